package cladhttp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// payments counts what it was paid.
type payments struct{ made atomic.Int64 }

func (p *payments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if body, err := io.ReadAll(r.Body); err != nil || string(body) != "12" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.made.Add(1)
}

// pay posts a body that can be had again, or cannot.
func pay(ctx context.Context, t *testing.T, rt http.RoundTripper, url string, body io.Reader) error {
	t.Helper()
	req := request(t, http.MethodPost, url, body).WithContext(ctx)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err
	}
	if read(t, resp); resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// once is a body that can be read once.
type once struct {
	io.Reader
	closed atomic.Bool
}

func (o *once) Close() error { o.closed.Store(true); return nil }

// firstDials makes the first connections of a transport in another way.
func firstDials(n int64, instead func(ctx context.Context) (net.Conn, error)) *http.Transport {
	var dialled atomic.Int64
	return &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dialled.Add(1) <= n {
			return instead(ctx)
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
}

// What never had a connection may be sent again, though it is not safe to repeat.
func TestAPostThatHadNoConnectionIsSentAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // it accepts nothing: a handshake hangs
	nowhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = nowhere.Close()
	dial := func(to net.Listener) func(context.Context) (net.Conn, error) {
		return func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", to.Addr().String())
		}
	}
	for name, c := range map[string]struct {
		instead func(context.Context) (net.Conn, error)
		tls     bool
	}{
		"refused": {instead: dial(nowhere)},
		"no such host": {instead: func(context.Context) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "nothing.invalid", IsNotFound: true}
		}},
		"no handshake": {instead: dial(l), tls: true},
	} {
		t.Run(name, func(t *testing.T) {
			var p payments
			s := httptest.NewUnstartedServer(&p)
			next := firstDials(2, c.instead)
			if s.Start(); c.tls {
				s.Close()
				s = httptest.NewTLSServer(&p)
				next.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
				next.TLSHandshakeTimeout = 50 * time.Millisecond
			}
			defer s.Close()
			defer next.CloseIdleConnections()
			rt := cladhttp.New(next, runner(t, atOnce(3)))
			if err := pay(t.Context(), t, rt, s.URL, strings.NewReader("12")); err != nil || p.made.Load() != 1 {
				t.Errorf("it was paid %d times: %v", p.made.Load(), err)
			}
		})
	}
}

// A body that cannot be had again is sent once, and the error is the client's own.
func TestABodyThatIsGoneIsNotSentAgain(t *testing.T) {
	var dialled int
	next := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dialled++
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}}
	body := &once{Reader: strings.NewReader("12")}
	err := pay(t.Context(), t, cladhttp.New(next, runner(t, atOnce(3))), "http://example.com", body)
	var op *net.OpError
	if !errors.As(err, &op) || errors.Is(err, policy.ErrRetriesExhausted) || dialled != 1 || !body.closed.Load() {
		t.Errorf("dialled %d times: %v; its body is closed: %v", dialled, err, body.closed.Load())
	}
}

// A POST failed for good that met a connection which the server had closed before.
func TestAPostOnAConnectionThatWasClosedIsSentAgain(t *testing.T) {
	var p payments
	s := httptest.NewServer(&p)
	defer s.Close()
	next := &http.Transport{}
	defer next.CloseIdleConnections()
	rt := cladhttp.New(next, runner(t, atOnce(2)))
	if err := pay(t.Context(), t, rt, s.URL, strings.NewReader("12")); err != nil {
		t.Fatal(err)
	}
	var closeIt sync.Once
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		closeIt.Do(func() {
			s.CloseClientConnections()
			// real time: the client hears of it
			time.Sleep(100 * time.Millisecond)
		})
	}})
	if err := pay(ctx, t, rt, s.URL, strings.NewReader("12")); err != nil || p.made.Load() != 2 {
		t.Errorf("it was paid %d times: %v", p.made.Load(), err)
	}
}

// net/http sends what HTTP/2 says was not processed again by itself, for a while.
func TestAPostThatAServerOfHTTP2DidNotProcessIsSentAgain(t *testing.T) {
	const (
		settings, reset, goAway, headers = 4, 3, 7, 1
		refused                          = "\x00\x00\x00\x07"
	)
	for name, refuse := range map[string]func(stream []byte) (kind byte, payload string){
		"stream refused":                        func([]byte) (byte, string) { return reset, refused },
		"going away":                            func([]byte) (byte, string) { return goAway, "\x00\x00\x00\x00" + "\x00\x00\x00\x00" },
		"going away at the first, and not well": func([]byte) (byte, string) { return goAway, "\x00\x00\x00\x00" + "\x00\x00\x00\x02" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen, answered int
				var mu sync.Mutex
				serve := func(conn net.Conn) {
					defer conn.Close()
					out := make(chan []byte, 100) // a pipe holds nothing
					defer close(out)
					go func() {
						for b := range out {
							_, _ = conn.Write(b)
						}
					}()
					frame := func(kind, flags byte, stream []byte, payload string) {
						head := append([]byte{0, 0, byte(len(payload)), kind, flags}, stream...)
						out <- append(head, payload...)
					}
					if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
						return
					}
					frame(settings, 0, make([]byte, 4), "")
					for {
						var head [9]byte
						if _, err := io.ReadFull(conn, head[:]); err != nil {
							return
						}
						length := binary.BigEndian.Uint32(append([]byte{0}, head[:3]...))
						if _, err := io.CopyN(io.Discard, conn, int64(length)); err != nil {
							return
						}
						if head[3] != headers {
							continue
						}
						mu.Lock()
						seen++
						done := seen > 10
						if done {
							answered++
						}
						mu.Unlock()
						if done {
							frame(headers, 5, head[5:], "\x88") // status 200, and that is all
							continue
						}
						kind, payload := refuse(head[5:])
						stream := head[5:]
						if kind == goAway {
							stream = make([]byte, 4)
						}
						frame(kind, 0, stream, payload)
					}
				}
				var protocols http.Protocols
				protocols.SetUnencryptedHTTP2(true)
				var serving sync.WaitGroup
				next := &http.Transport{Protocols: &protocols, DialContext: func(context.Context, string, string) (net.Conn, error) {
					client, server := net.Pipe()
					serving.Go(func() { serve(server) })
					return client, nil
				}}
				rt := cladhttp.New(next, runner(t, atOnce(20)))
				err := pay(t.Context(), t, rt, "http://example.com", strings.NewReader("12"))
				if err != nil || answered != 1 {
					t.Errorf("it was processed %d times, and seen %d times: %v", answered, seen, err)
				}
				synctest.Wait()
				next.CloseIdleConnections()
				serving.Wait()
			})
		})
	}
}
