package bank_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/examples/app/bank"
)

// visitor talks to a bank.
type visitor struct {
	t    *testing.T
	url  string
	http *http.Client
}

func visit(t *testing.T) visitor {
	t.Helper()
	server := httptest.NewServer(bank.New())
	t.Cleanup(server.Close)
	return visitor{t, server.URL, server.Client()}
}

// do returns status 0 if no answer came.
func (v visitor) do(method, path, key, body string) (status int, header http.Header, answer string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	req.GetBody = nil // the transport is not to repeat it
	res, err := v.http.Do(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

func (v visitor) charge(key string) int {
	v.t.Helper()
	status, _, _ := v.do(http.MethodPost, "/charges", key, `{"cents": 1000, "currency": "EUR", "method": "wallet"}`)
	return status
}

func (v visitor) faults(body string) {
	v.t.Helper()
	if status, _, answer := v.do(http.MethodPut, "/faults", "", body); status != http.StatusOK {
		v.t.Fatalf("%s: %d %s", body, status, answer)
	}
}

func (v visitor) wantStatement(want bank.Statement) {
	v.t.Helper()
	var got bank.Statement
	_, _, answer := v.do(http.MethodGet, "/statement", "", "")
	if err := json.Unmarshal([]byte(answer), &got); err != nil || got != want {
		v.t.Errorf("statement %+v, %v; want %+v", got, err, want)
	}
}

func TestOneChargePerKey(t *testing.T) {
	v := visit(t)
	for _, key := range []string{"a", "a", "b"} {
		if status := v.charge(key); status != http.StatusCreated {
			t.Errorf("got %d", status)
		}
	}
	v.wantStatement(bank.Statement{Requests: 3, Charges: 2, Cents: 2000})
}

func TestEveryRefundPays(t *testing.T) {
	v := visit(t)
	v.charge("a")
	for range 2 {
		if status, _, answer := v.do(http.MethodPost, "/refunds", "", `{"charge": "ch_1", "cents": 1000}`); status != http.StatusNoContent {
			t.Errorf("got %d %s", status, answer)
		}
	}
	v.wantStatement(bank.Statement{Requests: 3, Charges: 1, Refunds: 2, Cents: -1000})
}

func TestRefusals(t *testing.T) {
	v := visit(t)
	v.charge("a")
	for name, test := range map[string]struct {
		path, key, body string
		status          int
	}{
		"no key":             {"/charges", "", `{"cents": 1, "currency": "EUR", "method": "wallet"}`, 400},
		"nothing to charge":  {"/charges", "k", `{"currency": "EUR", "method": "wallet"}`, 400},
		"unknown field":      {"/charges", "k", `{"cents": 1, "amount": 1}`, 400},
		"above the card's":   {"/charges", "k", `{"cents": 500001, "currency": "EUR", "method": "credit_card"}`, 402},
		"key used before":    {"/charges", "a", `{"cents": 1, "currency": "EUR", "method": "wallet"}`, 409},
		"no such charge":     {"/refunds", "", `{"charge": "ch_9", "cents": 1000}`, 404},
		"another amount":     {"/refunds", "", `{"charge": "ch_1", "cents": 999}`, 404},
		"not JSON":           {"/refunds", "", `charge=ch_1`, 400},
		"no such page":       {"/", "", ``, 404},
		"not by this method": {"/statement", "", ``, 405},
	} {
		if status, _, answer := v.do(http.MethodPost, test.path, test.key, test.body); status != test.status {
			t.Errorf("%s: %d %s; want %d", name, status, answer, test.status)
		}
	}
	if _, _, answer := v.do(http.MethodGet, "/statement", "", ""); !strings.Contains(answer, `"charges": 1,`) {
		t.Errorf("something was booked: %s", answer)
	}
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		faults string
		status int // 0: no answer
		booked bool
	}{
		"none":            {`{}`, 201, true},
		"outage":          {`{"outage": true}`, 0, false},
		"error":           {`{"error_rate": 1}`, 503, false},
		"throttled":       {`{"throttle_rate": 1, "retry_after": "7s"}`, 429, false},
		"dropped":         {`{"drop_rate": 1}`, 0, false},
		"lost":            {`{"lost_rate": 1}`, 0, true},
		"slow":            {`{"latency": "1ms"}`, 201, true},
		"for one request": {`{"outage": true, "requests": 1}`, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := visit(t)
			v.faults(test.faults)
			status, header, answer := v.do(http.MethodPost, "/charges", "a", `{"cents": 1000, "currency": "EUR", "method": "wallet"}`)
			if status != test.status {
				t.Errorf("got %d %s; want %d", status, answer, test.status)
			}
			if status == 429 && header.Get("Retry-After") != "7" {
				t.Errorf("Retry-After %q", header.Get("Retry-After"))
			}
			want := bank.Statement{Requests: 1}
			if test.booked {
				want = bank.Statement{Requests: 1, Charges: 1, Cents: 1000}
			}
			v.wantStatement(want)
		})
	}
}

func TestFaultsEndAfterSoManyRequests(t *testing.T) {
	v := visit(t)
	v.faults(`{"error_rate": 1, "requests": 2}`)
	for i, want := range []int{503, 503, 201, 201} {
		if got := v.charge("a"); got != want {
			t.Errorf("request %d: %d; want %d", i+1, got, want)
		}
	}
}

// One of two servers is broken.
func TestEverySecondRequestFails(t *testing.T) {
	v := visit(t)
	v.charge("a")
	v.faults(`{"error_every": 2}`)
	for i, want := range []int{201, 503, 201, 503} {
		if got := v.charge("a"); got != want {
			t.Errorf("request %d: %d; want %d", i+1, got, want)
		}
	}
}

// A bank that hung comes to itself.
func TestWhoWaitsWaitsNoLongerWhenTheFaultsChange(t *testing.T) {
	v := visit(t)
	v.faults(`{"latency": "1h"}`)
	answered := make(chan int)
	go func() { answered <- v.charge("a") }()
	for asked := ""; !strings.Contains(asked, `"requests": 1`); { // or the test's own deadline
		_, _, asked = v.do(http.MethodGet, "/statement", "", "")
	}
	v.faults(`{}`)
	if status := <-answered; status != 201 {
		t.Errorf("got %d", status)
	}
}

// A client that does not wait is not charged.
func TestSlowBankNoticesThatNobodyWaits(t *testing.T) {
	v := visit(t)
	v.faults(`{"latency": "1h"}`)
	v.http.Timeout = 20 * time.Millisecond
	if status := v.charge("a"); status != 0 {
		t.Errorf("got %d", status)
	}
	v.http.Timeout = 0
	v.wantStatement(bank.Statement{Requests: 1})
}

func TestFaultsAreReadStrictly(t *testing.T) {
	v := visit(t)
	v.faults(`{"error_rate": 0.25, "latency": "200ms"}`)
	status, _, answer := v.do(http.MethodPut, "/faults", "",
		`{"outage": "yes", "latency": "5", "error_rate": 2, "drop_rate": -1, "retry_after": "1.5s", "requests": -1, "error_every": -2, "erorr_rate": 1}`)
	if status != http.StatusBadRequest {
		t.Errorf("got %d", status)
	}
	for _, want := range []string{
		"nothing was changed", "want a bool", "want a number and a unit", "2; it is a share", "-1; it is a share",
		"want whole seconds", "requests", "-2; it must not be negative", "erorr_rate", "there are: drop_rate, error_every",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("%q is not told in %s", want, answer)
		}
	}
	if _, _, answer := v.do(http.MethodGet, "/faults", "", ""); !strings.Contains(answer, `"error_rate": 0.25`) || !strings.Contains(answer, `"latency": "200ms"`) {
		t.Errorf("the faults before are not in force: %s", answer)
	}
}
