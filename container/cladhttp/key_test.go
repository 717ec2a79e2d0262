package cladhttp_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// till is a server that charges once for each key, and fails the first requests
// after it has charged.
type till struct {
	mu       sync.Mutex
	fail     int
	drop     bool // the connection, and not with 503
	requests []string
	charged  map[string]int // by key
}

func (s *till) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.Copy(io.Discard, req.Body)
	key := req.Header.Get("X-Charge-Key")
	s.requests = append(s.requests, key)
	if key == "" || s.charged[key] == 0 {
		s.charged[key]++
	}
	if len(s.requests) > s.fail {
		return
	}
	if s.drop {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

func keyed(attempts int) policy.Retry {
	p := atOnce(attempts)
	p.IdempotencyKey = "x-charge-key"
	return p
}

// A POST whose answer is lost could not be tried again, or charged twice.
func TestAPostWithAKeyIsChargedOnce(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	for name, c := range map[string]struct {
		drop   bool
		method string
		key    string // the caller's
		policy policy.Retry
		want   int // requests
		keys   int // that the server knows
	}{
		"answered with 503":            {false, http.MethodPost, "", keyed(3), 3, 1},
		"the connection breaks":        {true, http.MethodPost, "", keyed(3), 3, 1},
		"PATCH":                        {true, http.MethodPatch, "", keyed(3), 3, 1},
		"PUT":                          {false, http.MethodPut, "", keyed(3), 3, 1},
		"the caller's key is kept":     {true, http.MethodPost, "order-7", keyed(3), 3, 1},
		"the policy wants none":        {false, http.MethodPost, "", atOnce(3), 1, 0},
		"what only reads needs no key": {false, http.MethodGet, "", keyed(3), 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &till{fail: 2, drop: c.drop, charged: make(map[string]int)}
			server := httptest.NewUnstartedServer(s)
			server.Config.ErrorLog = quiet
			server.Start()
			t.Cleanup(server.Close)
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			rt := cladhttp.New(transport, runner(t, c.policy))
			req := request(t, c.method, server.URL, strings.NewReader("amount=12"))
			if c.key != "" {
				req.Header.Set("X-Charge-Key", c.key)
			}
			headers := req.Header.Clone()
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			delete(s.charged, "")
			if len(s.requests) != c.want || len(s.charged) != c.keys {
				t.Errorf("requests with the keys %q, charged %v; want %d and %d", s.requests, s.charged, c.want, c.keys)
			}
			if sole := slices.Compact(slices.Clone(s.requests)); len(sole) != 1 {
				t.Errorf("the attempts bear the keys %q", sole)
			}
			if key := s.requests[0]; c.key != "" && key != c.key || c.key == "" && c.keys > 0 && !uuid.MatchString(key) {
				t.Errorf("the key is %q", key)
			}
			if len(req.Header) != len(headers) {
				t.Errorf("the caller's request was changed: %v", req.Header)
			}
		})
	}
}

// Every operation has a key of its own, also where one request is sent twice.
func TestEveryOperationHasAKeyOfItsOwn(t *testing.T) {
	var keys []string
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		keys = append(keys, req.Header.Get("X-Charge-Key"))
		return answer(req, 200, ""), nil
	}), runner(t, keyed(3)), cladhttp.Silent())
	req := request(t, http.MethodPost, "http://example.com", nil)
	for range 2 {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		read(t, resp)
	}
	if keys[0] == "" || keys[0] == keys[1] {
		t.Errorf("the keys are %q", keys)
	}
}
