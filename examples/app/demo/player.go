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
	a, err := p.do(ctx, s.method, p.API+s.path, s.key, s.body)
	if err != nil {
		return 0, 0, err
	}
	seconds, _ := strconv.Atoi(a.header.Get("Retry-After"))
	return a.status, time.Duration(seconds) * time.Second, nil
}

func (p *player) setFaults(ctx context.Context, faults string) error {
	a, err := p.do(ctx, http.MethodPut, p.Bank+"/faults", "", faults)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("the bank does not take the faults %s: %s", faults, a.body)
	}
	return err
}

func (p *player) statement(ctx context.Context) (s bank.Statement, err error) {
	return s, p.get(ctx, p.Bank+"/statement", &s)
}

// breaker returns the state; a breaker that was never told of is closed.
func (p *player) breaker(ctx context.Context) (string, error) {
	var m api.State
	if err := p.get(ctx, p.API+"/state", &m); err != nil {
		return "", err
	}
	if b, ok := m.CircuitBreakers[p.Gateway]; ok {
		return b.State, nil
	}
	return closed, nil
}

func (p *player) get(ctx context.Context, url string, out any) error {
	a, err := p.do(ctx, http.MethodGet, url, "", "")
	if err != nil {
		return err
	}
	if err := a.read(out); err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	return nil
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) read(out any) error {
	if a.status != http.StatusOK {
		return fmt.Errorf("HTTP status %d", a.status)
	}
	return json.Unmarshal(a.body, out)
}

func (p *player) do(ctx context.Context, method, url, key, body string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := p.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, b}, err
}
