package cladhttp_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/internal/answertest"
	"github.com/cladgo/clad/policy"
)

// A server of which nearly everything that it is asked for is not there was taken for
// one that is down.
func TestAServerOfAnswersIsWell(t *testing.T) {
	for name, breaker := range answertest.Breakers {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/broken" {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}
				http.NotFound(w, r)
			}))
			defer s.Close()
			next := &http.Transport{}
			defer next.CloseIdleConnections()
			o := newOrchestrator(t)
			r, err := o.For("server", breaker)
			if err != nil {
				t.Fatal(err)
			}
			rt := cladhttp.New(next, r)
			err = answertest.Dependency{
				Ask: func(fails bool) error {
					path := "/nothing"
					if fails {
						path = "/broken"
					}
					resp, err := rt.RoundTrip(request(t, http.MethodGet, s.URL+path, nil))
					if err != nil {
						return err
					}
					if read(t, resp); resp.StatusCode == http.StatusOK {
						return nil
					}
					return errors.New(resp.Status)
				},
				Stop:   s.Close,
				Totals: func() policy.Totals { return o.Metrics().Totals },
			}.Check()
			if err != nil {
				t.Error(err)
			}
		})
	}
}
