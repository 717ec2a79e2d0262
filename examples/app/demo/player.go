package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cladgo/clad/examples/app/api"
	"github.com/cladgo/clad/examples/app/bank"
)

// player talks to the service and to the bank.
type player struct {
	Stage
	http *http.Client
}

func newPlayer(s Stage) *player {
	return &player{s, &http.Client{
		Transport: http.DefaultTransport.(*http.Transport).Clone(),
		Timeout:   time.Minute,
	}}
}

// request does what the step says.
func (p *player) request(ctx context.Context, s step) (status int, retryAfter time.Duration, err error) {
	res, _, err := p.do(ctx, s.method, p.API+s.path, s.key, s.body)
	if err != nil {
		return 0, 0, err
	}
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	return res.StatusCode, time.Duration(seconds) * time.Second, nil
}

func (p *player) setFaults(ctx context.Context, faults string) error {
	res, body, err := p.do(ctx, http.MethodPut, p.Bank+"/faults", "", faults)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the bank does not take the faults %s: %s", faults, body)
	}
	return err
}

func (p *player) statement(ctx context.Context) (s bank.Statement, err error) {
	return s, p.get(ctx, p.Bank+"/statement", &s)
}

// breaker returns the state; a breaker that was never told of is closed.
func (p *player) breaker(ctx context.Context) (string, error) {
	var m api.Metrics
	if err := p.get(ctx, p.API+"/metrics", &m); err != nil {
		return "", err
	}
	if b, ok := m.CircuitBreakers[p.Breaker]; ok {
		return b.State, nil
	}
	return closed, nil
}

func (p *player) get(ctx context.Context, url string, out any) error {
	res, body, err := p.do(ctx, http.MethodGet, url, "", "")
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return json.Unmarshal(body, out)
}

func (p *player) do(ctx context.Context, method, url, key, body string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res, b, err
}
