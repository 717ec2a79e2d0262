package cladgrpc_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// hedge is soon enough for a test to be short, and later than the shop answers.
var hedge = policy.Hedge{Delay: 50 * time.Millisecond, Budget: 1}

const someTime = 20 * time.Second // in which everything happens that is to

// hedged returns a connection to the shop, in memory, as a container wraps it.
func (s *shop) hedged(t *testing.T, below grpc.UnaryClientInterceptor, services map[string]policy.Service, layers ...policy.Policy) (grpc.ClientConnInterface, *container.Orchestrator) {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	g := grpc.NewServer()
	g.RegisterService(s.desc(), s)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	opts := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }),
	}
	if below != nil {
		opts = append(opts, grpc.WithChainUnaryInterceptor(below))
	}
	cc, err := grpc.NewClient("passthrough:///shop", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	box, err := container.New(policy.Catalog{
		Policies: map[string]policy.Policy{"p": policy.Combine(layers...), "slow": policy.Timeout(someTime)},
		Services: services,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(func() *grpc.ClientConn { return cc }, "p", container.As[grpc.ClientConnInterface]())); err != nil {
		t.Fatal(err)
	}
	var made grpc.ClientConnInterface
	if err := box.Invoke(func(cc grpc.ClientConnInterface) { made = cc }); err != nil {
		t.Fatal(err)
	}
	return made, box.Orchestrator()
}

// slowShop hangs in the first so many calls, until their clients have left, and says of
// each answer which call it was of: in the answer, its header and its trailer.
type slowShop struct {
	shop
	slow int32
	gone atomic.Int32
	mu   sync.Mutex
	sent []metadata.MD
	read []string
}

func newSlowShop(slow int32) *slowShop {
	s := &slowShop{slow: slow}
	s.unary = func(ctx context.Context, text string) (string, error) {
		n := s.calls.Load()
		md, _ := metadata.FromIncomingContext(ctx)
		s.mu.Lock()
		s.sent, s.read = append(s.sent, md), append(s.read, text)
		s.mu.Unlock()
		which := metadata.Pairs("which", fmt.Sprint(n))
		if err := grpc.SetHeader(ctx, which); err != nil {
			return "", err
		}
		if err := grpc.SetTrailer(ctx, which); err != nil {
			return "", err
		}
		if n <= s.slow {
			<-ctx.Done()
			s.gone.Add(1)
			return "", ctx.Err()
		}
		return fmt.Sprint(text, " ", n), nil
	}
	return s
}

// await waits until so many calls have come.
func (s *shop) await(ctx context.Context, calls int32) error {
	for s.calls.Load() < calls {
		select { // real time: gRPC's
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(someTime); !so(); time.Sleep(time.Millisecond) { // real time: a server is waited for
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAHedgeOvertakesASlowCall(t *testing.T) {
	s := newSlowShop(1)
	retry := atOnce(3)
	retry.IdempotencyKey = "key"
	cc, o := s.hedged(t, nil, nil, policy.Timeout(someTime), retry, hedge,
		policy.Bulkhead{Name: "b", MaxConcurrent: 2}, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(someTime))
	var header, trailer metadata.MD
	var from peer.Peer
	var finished []error
	text, err := call(t.Context(), cc, find, grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&from), grpc.StaticMethod(),
		grpc.OnFinish(func(err error) { finished = append(finished, err) }))
	if err != nil || text != "text 2" {
		t.Fatalf("%q: %v", text, err)
	}
	if !slices.Equal(header.Get("which"), []string{"2"}) || !slices.Equal(trailer.Get("which"), []string{"2"}) || from.Addr == nil {
		t.Errorf("of the other: header %v, trailer %v, peer %v", header, trailer, from)
	}
	if len(finished) != 1 || finished[0] != nil {
		t.Errorf("finished with %v", finished)
	}
	eventually(t, "the slow call is cancelled", func() bool { return s.gone.Load() == 1 })
	b, _ := o.Bulkhead("b")
	eventually(t, "its permit is back", func() bool { return b.Status().InUse == 0 })
	if m := o.Metrics(); m.Hedges != 1 || m.HedgesWon != 1 || m.TotalOperations != 1 || m.SuccessfulOperations != 1 || m.CircuitBreakerTrips != 0 || m.RetryAttempts != 0 {
		t.Errorf("metrics are %+v", m.Totals)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) != 2 || len(s.sent[0].Get("key")) != 1 || !slices.Equal(s.sent[0].Get("key"), s.sent[1].Get("key")) {
		t.Errorf("not one key for all attempts: %v", s.sent)
	}
	for _, md := range s.sent { // two attempts, as part of one of three
		if !slices.Equal(md.Get("clad-retries-left"), []string{"2"}) {
			t.Errorf("a call told: %v", md)
		}
	}
}

// What an attempt reads and writes when its caller has the answer of another is its
// own: neither the answer nor what was asked for by options may change any more, and
// the caller may use again what it sent.
func TestALateAttemptTouchesNothingOfItsCaller(t *testing.T) {
	s := newSlowShop(0)
	var n atomic.Int32
	late := make(chan struct{})
	cc, o := s.hedged(t, func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		text := req.(*wrapperspb.StringValue)
		if n.Add(1) > 1 {
			text.Value += " twice" // the other attempt's must not be the same
			return invoke(ctx, method, req, reply, cc, opts...)
		}
		defer close(late)
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond) // real time: its caller has gone on by then
		text.Value += " late"
		return invoke(context.WithoutCancel(ctx), method, req, reply, cc, opts...)
	}, nil, hedge)
	req, reply := wrapperspb.String("text"), wrapperspb.String("before")
	var header, trailer metadata.MD
	var from peer.Peer
	opts := []grpc.CallOption{grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&from), grpc.OnFinish(func(error) { from = peer.Peer{} })}
	if err := cc.Invoke(t.Context(), find, req, reply, opts...); err != nil {
		t.Fatal(err)
	}
	for i := range opts {
		opts[i] = nil
	}
	req.Value = "something else"
	if reply.GetValue() != "text twice 1" || !slices.Equal(header.Get("which"), []string{"1"}) {
		t.Errorf("%v, %v", reply, header)
	}
	reply.Value, header, trailer = "", nil, nil
	<-late
	if reply.GetValue() != "" || header != nil || trailer != nil {
		t.Errorf("late: %v, %v, %v", reply, header, trailer)
	}
	if !slices.Equal(s.read, []string{"text twice", "text late"}) {
		t.Errorf("the calls brought %q", s.read)
	}
	if m := o.Metrics(); m.HedgesWon != 1 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

// foreign is an option of somebody else's making.
type foreign struct{ grpc.EmptyCallOption }

// Neither writes, nor streams, nor calls of which nobody knows what they share.
func TestOnlyCallsThatReadAreHedged(t *testing.T) {
	unary := func(method string, opts ...grpc.CallOption) func(context.Context, grpc.ClientConnInterface) error {
		return func(ctx context.Context, cc grpc.ClientConnInterface) error {
			_, err := call(ctx, cc, method, opts...)
			return err
		}
	}
	services := func(name string) map[string]policy.Service {
		return map[string]policy.Service{"grpc.ClientConnInterface": {Policy: "slow", Methods: map[string]string{name: "p"}}}
	}
	for name, tt := range map[string]struct {
		ask      func(context.Context, grpc.ClientConnInterface) error
		services map[string]policy.Service
		want     int32
	}{
		"without side effects":          {unary(find), nil, 2},
		"idempotent, with side effects": {unary(store), nil, 1},
		"not declared":                  {unary(pay), nil, 1},
		"with an option of others":      {unary(find, foreign{}), nil, 1},
		"messages of another kind": {func(ctx context.Context, cc grpc.ClientConnInterface) error {
			return cc.Invoke(ctx, find, &text{"text"}, &text{}, grpc.ForceCodec(texts{}))
		}, nil, 1},
		"a stream": {func(ctx context.Context, cc grpc.ClientConnInterface) error {
			stream, err := open(ctx, cc, list)
			if err != nil {
				return err
			}
			_ = stream.SendMsg(wrapperspb.String("text"))
			_ = stream.CloseSend()
			return stream.RecvMsg(new(wrapperspb.StringValue))
		}, nil, 1},
		"chosen by its name":        {unary(find), services(find), 2},
		"chosen, with side effects": {unary(store), services(store), 1},
		"another is chosen":         {unary(find), services(store), 1},
		"chosen, but opened as what it is not": {func(ctx context.Context, cc grpc.ClientConnInterface) error {
			stream, err := open(ctx, cc, find)
			if err != nil {
				return err
			}
			_ = stream.SendMsg(wrapperspb.String("text"))
			_ = stream.CloseSend()
			return stream.RecvMsg(new(wrapperspb.StringValue))
		}, services(find), 1},
	} {
		t.Run(name, func(t *testing.T) {
			second := make(chan struct{})
			s := &shop{}
			wait := func() {
				if s.calls.Load() == 2 {
					close(second)
				}
				patience := someTime
				if tt.want == 1 {
					patience = 4 * hedge.Delay // real time: it would have come by then
				}
				select {
				case <-second:
				case <-time.After(patience):
				}
			}
			s.unary = func(context.Context, string) (string, error) { wait(); return "", nil }
			s.stream = func(ss grpc.ServerStream) error { wait(); return ss.SendMsg(wrapperspb.String("")) }
			cc, o := s.hedged(t, nil, tt.services, atOnce(2), hedge, policy.CircuitBreaker{})
			if err := tt.ask(t.Context(), cc); err != nil || s.calls.Load() != tt.want {
				t.Errorf("%d calls, want %d: %v", s.calls.Load(), tt.want, err)
			}
			if m := o.Metrics(); m.Hedges != uint64(tt.want-1) {
				t.Errorf("metrics are %+v", m.Totals)
			}
		})
	}
}

// text is a message that is none of protobuf.
type text struct{ value string }

// texts marshal as a message with one text does.
type texts struct{}

func (texts) Name() string { return "proto" }

func (texts) Marshal(v any) ([]byte, error) {
	s := v.(*text).value
	return append([]byte{10, byte(len(s))}, s...), nil
}

func (texts) Unmarshal(data []byte, v any) error {
	v.(*text).value = strings.TrimLeft(string(data), "\n")
	return nil
}

func TestHowHedgedCallsEnd(t *testing.T) {
	busy, missing := status.Error(codes.Unavailable, "busy"), status.Error(codes.NotFound, "no such thing")
	type end struct {
		with  int32 // when so many have come
		after time.Duration
		err   error
	}
	for name, tt := range map[string]struct {
		hedge policy.Hedge
		ends  []end
		want  error
		made  int32
		trip  uint64
	}{
		"an answer decides":              {hedge, []end{{2, time.Minute, nil}, {2, 0, missing}}, missing, 2, 0},
		"the first fails, the other not": {hedge, []end{{2, 0, busy}, {2, 4 * hedge.Delay, nil}}, nil, 2, 0},
		"both fail, and are two":         {hedge, []end{{2, 0, busy}, {2, 0, busy}}, busy, 2, 1},
		"one fails before a hedge":       {policy.Hedge{Delay: someTime, Budget: 1}, []end{{1, 0, busy}}, busy, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shop{}
			var n atomic.Int32
			s.unary = func(ctx context.Context, _ string) (string, error) {
				one := tt.ends[n.Add(1)-1]
				if err := s.await(ctx, one.with); err != nil {
					return "", err
				}
				select { // real time: gRPC's
				case <-time.After(one.after):
					return "", one.err
				case <-ctx.Done():
					return "", ctx.Err()
				}
			}
			cc, o := s.hedged(t, nil, nil, tt.hedge, policy.CircuitBreaker{FailureThreshold: 2})
			var trailer metadata.MD
			_, err := call(t.Context(), cc, find, grpc.Trailer(&trailer))
			if status.Code(err) != status.Code(tt.want) || status.Convert(err).Message() != status.Convert(tt.want).Message() || s.calls.Load() != tt.made {
				t.Errorf("%d calls: %v", s.calls.Load(), err)
			}
			if trailer == nil {
				t.Error("the trailer is lost")
			}
			if m := o.Metrics(); m.TotalOperations != 1 || m.CircuitBreakerTrips != tt.trip {
				t.Errorf("metrics are %+v", m.Totals)
			}
		})
	}
}

// A retry around a hedge goes on where both have failed, and what is final stays so.
func TestARetryFollowsHedgesThatFailed(t *testing.T) {
	for code, want := range map[codes.Code]int32{codes.Unavailable: 4, codes.DataLoss: 2} {
		s := &shop{}
		s.unary = func(ctx context.Context, _ string) (string, error) {
			n := s.calls.Load()
			if err := s.await(ctx, n+n%2); err != nil { // so that it is hedged
				return "", err
			}
			return "", status.Error(code, "no")
		}
		cc, o := s.hedged(t, nil, nil, atOnce(2), hedge, policy.Timeout(someTime))
		if _, err := call(t.Context(), cc, find); status.Code(err) != code || s.calls.Load() != want {
			t.Errorf("%v: %d calls, want %d: %v", code, s.calls.Load(), want, err)
		}
		if m := o.Metrics(); m.Hedges != uint64(want/2) || m.HedgesWon != 0 {
			t.Errorf("%v: metrics are %+v", code, m.Totals)
		}
	}
}

func TestHedgedCallsEndWithTheirCaller(t *testing.T) {
	s := newSlowShop(10)
	cc, o := s.hedged(t, nil, nil, atOnce(3), hedge, policy.Bulkhead{Name: "b", MaxConcurrent: 2}, policy.Timeout(someTime))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_ = s.await(t.Context(), 2)
		cancel()
	}()
	if _, err := call(ctx, cc, find); status.Code(err) != codes.Canceled {
		t.Error(err)
	}
	eventually(t, "both are gone", func() bool { return s.gone.Load() == 2 })
	b, _ := o.Bulkhead("b")
	eventually(t, "no permit is in use", func() bool { return b.Status().InUse == 0 })
	if m := o.Metrics(); m.Cancelled != 1 || s.calls.Load() != 2 {
		t.Errorf("%d calls; metrics are %+v", s.calls.Load(), m.Totals)
	}
}

func TestHedgesOfCallsHaveABudget(t *testing.T) {
	s := &shop{}
	s.unary = func(context.Context, string) (string, error) {
		time.Sleep(5 * time.Millisecond) // real time: so that all would be hedged
		return "", nil
	}
	cc, o := s.hedged(t, nil, nil, policy.Hedge{Delay: time.Millisecond, Budget: 0.2})
	const calls = 40
	for range calls {
		if _, err := call(t.Context(), cc, find); err != nil {
			t.Fatal(err)
		}
	}
	if m := o.Metrics(); m.Hedges == 0 || m.Hedges > calls/5 || m.SuccessfulOperations != calls {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

func TestManyCallsAreHedgedAtOnce(t *testing.T) {
	s := &shop{}
	s.unary = func(ctx context.Context, text string) (string, error) {
		if s.calls.Load()%3 == 0 {
			select { // real time: the race is what is tested
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
			}
		}
		return text, grpc.SetHeader(ctx, metadata.Pairs("text", text))
	}
	cc, o := s.hedged(t, nil, nil, atOnce(10), policy.Hedge{Delay: 2 * time.Millisecond, Budget: 1, MaxHedges: 2},
		policy.Bulkhead{Name: "b", MaxConcurrent: 1000}, policy.CircuitBreaker{FailureThreshold: 1000}, policy.Timeout(someTime))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			req, reply := new(wrapperspb.StringValue), new(wrapperspb.StringValue)
			var header metadata.MD
			for i := range 50 {
				req.Value = fmt.Sprint(g, " ", i)
				if err := cc.Invoke(t.Context(), find, req, reply, grpc.Header(&header)); err != nil || reply.GetValue() != req.GetValue() || header.Get("text")[0] != req.GetValue() {
					t.Errorf("asked for %q, got %q with %v: %v", req.GetValue(), reply.GetValue(), header, err)
				}
			}
		})
	}
	wg.Wait()
	if m := o.Metrics(); m.TotalOperations != 400 || m.SuccessfulOperations != 400 || m.Hedges == 0 {
		t.Errorf("metrics are %+v", m.Totals)
	}
	b, _ := o.Bulkhead("b")
	eventually(t, "all permits are back", func() bool { return b.Status().InUse == 0 })
}
