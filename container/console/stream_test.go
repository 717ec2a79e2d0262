package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/console"
)

// events reads a stream of server-sent events.
type events struct{ lines *bufio.Scanner }

func eventsOf(r io.Reader) *events {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	return &events{lines}
}

// next returns the next event, "" at the end.
func (e *events) next() (name, data string) {
	for e.lines.Scan() {
		line := e.lines.Text()
		if after, ok := strings.CutPrefix(line, "event: "); ok {
			name = after
		} else if after, ok := strings.CutPrefix(line, "data: "); ok {
			data = after
		} else if line == "" {
			return name, data
		}
	}
	return "", ""
}

// pipeWriter is a response that is read while it is written.
type pipeWriter struct {
	*io.PipeWriter
	header http.Header
}

func (w pipeWriter) Header() http.Header { return w.header }
func (w pipeWriter) WriteHeader(int)     {}
func (w pipeWriter) Flush()              {}

// follow opens a stream within a bubble of virtual time.
func follow(t *testing.T, h http.Handler) *events {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(pipeWriter{in, http.Header{}}, httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/events", nil))
		_ = in.Close()
	}()
	t.Cleanup(func() {
		cancel()
		_ = out.Close()
		<-done
	})
	return eventsOf(out)
}

func TestAStreamTellsWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shop(t)
		h := console.Handler(o, console.AllowControls(ann))
		_ = run(t, o, "before", bank, works)
		stream := follow(t, h)
		for n, want := range []string{console.EventState, console.EventHistory, console.EventLog} {
			name, data := stream.next()
			if name != want {
				t.Fatalf("event %d is %s, want %s", n, name, want)
			}
			var s console.State
			if name == console.EventState {
				if err := json.Unmarshal([]byte(data), &s); err != nil || !s.Controls.Allowed || s.Controls.Name != "ann" || len(s.Operations) != 1 {
					t.Errorf("%v %s", err, data)
				}
			}
		}
		start := time.Now()
		for range 2 {
			_ = run(t, o, "pay", bank, fail)
		}
		// What changes is told at once, and not at the end of the step.
		var opened, ticked bool
		for !opened || !ticked {
			name, data := stream.next()
			switch name {
			case console.EventLog:
				var entries []console.Entry
				if err := json.Unmarshal([]byte(data), &entries); err != nil {
					t.Fatal(err)
				}
				for _, e := range entries {
					opened = opened || e.Kind == console.KindTransition && e.Subject == "bank" && e.State == "open"
				}
			case console.EventTick:
				var tick console.Tick
				if err := json.Unmarshal([]byte(data), &tick); err != nil {
					t.Fatal(err)
				}
				ticked = len(tick.CircuitBreakers) == 1 && tick.CircuitBreakers[0].State == "open" && tick.CircuitBreakers[0].LastTrip.Operation == "pay"
			}
		}
		if late := time.Since(start); late > time.Second {
			t.Errorf("told after %v", late)
		}
		// The step is told when it is over, with what was counted.
		for {
			name, data := stream.next()
			if name != console.EventTick {
				continue
			}
			var tick console.Tick
			if err := json.Unmarshal([]byte(data), &tick); err != nil {
				t.Fatal(err)
			}
			if tick.Sequence == 0 {
				continue
			}
			if p := tick.Points["pay"]; p.Calls != 2 || p.Failed != 2 {
				t.Errorf("%s", data)
			}
			break
		}
	})
}

// What fails by the thousand is a few entries.
func TestFloodsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shop(t)
		h := console.Handler(o)
		for range 5000 {
			_ = run(t, o, "pay", bank, fail)
		}
		time.Sleep(3 * time.Second)
		stream := follow(t, h)
		var entries []console.Entry
		for name, data := stream.next(); ; name, data = stream.next() {
			if name == console.EventLog {
				if err := json.Unmarshal([]byte(data), &entries); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		rejected := 0
		for _, e := range entries {
			if e.Kind == console.KindRejected {
				rejected += e.Times
			}
		}
		if len(entries) > 6 || rejected != 4998 {
			t.Errorf("%d entries, %d refusals in them: %+v", len(entries), rejected, entries)
		}
	})
}

// serve starts a server on loopback with a console.
func serve(t *testing.T, h http.Handler) (string, *http.Server, *http.Client) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	stopped := make(chan struct{})
	go func() { defer close(stopped); _ = server.Serve(l) }()
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-stopped
	})
	return "http://" + l.Addr().String(), server, &http.Client{Transport: transport}
}

func TestAServerIsShutDownWithStreamsOpen(t *testing.T) {
	o := shop(t)
	h := console.Handler(o)
	address, server, client := serve(t, h)
	other, _, _ := serve(t, h)
	open := func(at string) *http.Response {
		t.Helper()
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/api/events", nil)
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	elsewhere := open(other)
	defer elsewhere.Body.Close()
	var ended sync.WaitGroup
	for range 5 {
		answer := open(address)
		ended.Go(func() {
			defer answer.Body.Close()
			_, _ = io.Copy(io.Discard, answer.Body)
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Errorf("the server did not stop: %v", err)
	}
	ended.Wait()
	// Another server's goes on, until the orchestrator is closed.
	stream := eventsOf(elsewhere.Body)
	for range 4 {
		if name, _ := stream.next(); name == "" {
			t.Fatal("a stream of another server has ended")
		}
	}
	o.Close()
	for name, _ := stream.next(); name != ""; name, _ = stream.next() {
	}
	if answer := open(other); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the end: status %d", answer.StatusCode)
	} else {
		answer.Body.Close()
	}
}

// Many come, some stay, some never read: all are served or told to come later, and
// what happens meanwhile waits for none of them.
func TestAThousandSubscribersComeAndGo(t *testing.T) {
	o := shop(t)
	address, _, client := serve(t, console.Handler(o))
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for ctx.Err() == nil {
			_ = run(t, o, "pay", bank, fail)
			b, _ := o.CircuitBreaker("bank")
			b.Reset()
			time.Sleep(time.Millisecond) // real time: real connections
		}
	})
	var served, refused atomic.Int64
	var subscribers sync.WaitGroup
	gate := make(chan struct{}, 400) // at a time
	for n := range 1000 {
		gate <- struct{}{}
		subscribers.Go(func() {
			defer func() { <-gate }()
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/api/events", nil)
			answer, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			switch answer.StatusCode {
			case http.StatusOK:
				served.Add(1)
			case http.StatusServiceUnavailable:
				refused.Add(1)
				return
			default:
				t.Errorf("status %d", answer.StatusCode)
			}
			if n%3 == 0 {
				return // without having read anything
			}
			stream := eventsOf(answer.Body)
			for range 3 + n%5 {
				if name, _ := stream.next(); name == "" {
					return // too slow for it
				}
			}
		})
	}
	subscribers.Wait()
	cancel()
	work.Wait()
	if served.Load() < 100 || served.Load()+refused.Load() != 1000 {
		t.Errorf("%d served, %d refused", served.Load(), refused.Load())
	}
}

// Who does not read is dropped, and nobody waits for it.
func TestASlowReaderIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shop(t)
		h := console.Handler(o)
		out, in := io.Pipe()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			h.ServeHTTP(pipeWriter{in, http.Header{}}, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/events", nil))
			_ = in.Close()
		}()
		slow := eventsOf(out)
		for range 3 {
			slow.next()
		}
		time.Sleep(time.Minute) // without reading
		b, _ := o.CircuitBreaker("bank")
		b.ForceOpen() // waits for nobody
		n := 0
		for name, _ := slow.next(); name != ""; name, _ = slow.next() {
			n++
		}
		<-ended
		if n > 20 {
			t.Errorf("it was sent %d more events", n)
		}
	})
}

func TestThereIsAnEndToStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shop(t)
		h := console.Handler(o)
		for range console.MaxStreams {
			stream := follow(t, h)
			if name, _ := stream.next(); name == "" {
				t.Fatal("refused")
			}
		}
		var why console.Failure
		w := get(t, h, "/api/events", &why)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || why.Error == "" {
			t.Errorf("status %d: %v", w.Code, why)
		}
	})
}
