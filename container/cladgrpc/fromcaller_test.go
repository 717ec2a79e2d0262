package cladgrpc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Where five services each make three attempts, the last dependency of a chain was
// called 243 times for one call.
func TestOneServiceOfAChainRetries(t *testing.T) {
	heeding := []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(cladgrpc.UnaryFromCaller()), grpc.ChainStreamInterceptor(cladgrpc.StreamFromCaller()),
	}
	for name, c := range map[string]struct {
		server []grpc.ServerOption
		third  policy.Policy // of the third service
		want   int32
	}{
		"each for itself":           {nil, atOnce(3), 243},
		"the outermost":             {heeding, atOnce(3), 3},
		"one of them has no policy": {heeding, policy.None{}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			last := refusing(1<<30, status.Error(codes.Unavailable, "busy"))
			next := last.client(t, runner(t, atOnce(3)))
			for n := range 5 {
				s, to := &shop{}, next
				s.unary = func(ctx context.Context, _ string) (string, error) { return call(ctx, to, find) }
				if n == 4 {
					next = s.serve(t, c.server) // the first caller knows nothing of this
					break
				}
				p := policy.Policy(atOnce(3))
				if n == 2 {
					p = c.third
				}
				next = s.serve(t, c.server, grpc.WithChainUnaryInterceptor(cladgrpc.UnaryClient(runner(t, p))))
			}
			if _, err := call(t.Context(), next, find); status.Code(err) != codes.Unavailable || last.calls.Load() != c.want {
				t.Errorf("called %d times, want %d: %v", last.calls.Load(), c.want, err)
			}
		})
	}
}

func TestWhatAServerIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		r      policy.Runner
		ctx    func(context.Context) context.Context
		opts   []cladgrpc.Option
		want   string
	}{
		"retries":                        {find, runner(t, atOnce(3)), nil, nil, "2 1 0"},
		"what is not repeated":           {pay, runner(t, atOnce(3)), nil, nil, "-"},
		"one attempt":                    {find, runner(t, atOnce(1)), nil, nil, "-"},
		"silent":                         {find, runner(t, atOnce(2)), nil, []cladgrpc.Option{cladgrpc.Silent()}, "- -"},
		"a caller that retries":          {pay, runner(t, atOnce(3)), retriedBy(7), nil, "7"},
		"one that retries, none of ours": {find, runner(t), retriedBy(0), nil, "0"},
		"passed on by a proxy":           {find, runner(t, atOnce(2)), saying("9", "9"), nil, "1 0"},
	} {
		var told []string
		s := &shop{unary: func(ctx context.Context, _ string) (string, error) {
			said := metadata.ValueFromIncomingContext(ctx, "clad-retries-left")
			if len(said) == 0 {
				said = []string{"-"}
			}
			told = append(told, strings.Join(said, ","))
			return "", status.Error(codes.Unavailable, "busy")
		}}
		ctx := t.Context()
		if c.ctx != nil {
			ctx = c.ctx(ctx)
		}
		_, _ = call(ctx, s.client(t, c.r, c.opts...), c.method)
		if got := strings.Join(told, " "); got != c.want {
			t.Errorf("%s: told %q, want %q", name, got, c.want)
		}
	}
}

func retriedBy(left int) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context { return policy.WithCallerRetries(ctx, left) }
}

func saying(values ...string) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context {
		return metadata.NewOutgoingContext(ctx, metadata.MD{"clad-retries-left": values})
	}
}

// The metadata is anybody's: it takes away no more than one's own retries.
func TestCallersSayNothingHarmful(t *testing.T) {
	attempts := func(ctx context.Context) (n int) {
		_ = runner(t, atOnce(3)).Run(ctx, func(context.Context) error { n++; return status.Error(codes.Unavailable, "busy") })
		return n
	}
	for _, c := range []struct {
		said []string
		want int
	}{
		{[]string{"2"}, 1}, {[]string{"0"}, 1},
		{nil, 3}, {[]string{""}, 3}, {[]string{"-1"}, 3}, {[]string{"1.5"}, 3}, {[]string{"9999999999"}, 3}, {[]string{"1", "1"}, 3},
	} {
		var unary, stream int
		s := &shop{
			unary:  func(ctx context.Context, text string) (string, error) { unary = attempts(ctx); return text, nil },
			stream: func(s grpc.ServerStream) error { stream = attempts(s.Context()); return nil },
		}
		cc := s.serve(t, []grpc.ServerOption{
			grpc.ChainUnaryInterceptor(cladgrpc.UnaryFromCaller()), grpc.ChainStreamInterceptor(cladgrpc.StreamFromCaller()),
		})
		ctx, cancel := context.WithTimeout(saying(c.said...)(t.Context()), time.Minute)
		if _, err := call(ctx, cc, find); err != nil {
			t.Error(err)
		}
		st, err := open(ctx, cc, chat)
		if err != nil {
			t.Fatal(err)
		}
		receive(t, st)
		cancel()
		if unary != c.want || stream != c.want {
			t.Errorf("%q: %d attempts, %d within a stream, want %d", c.said, unary, stream, c.want)
		}
	}
}
