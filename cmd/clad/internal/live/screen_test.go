package live_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cladgo/clad/cmd/clad/internal/live"
	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/container/console"
)

// outage is an application in trouble.
func outage() *console.State {
	at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	op := func(id string, r console.Recent, active uint64) console.Operation {
		return console.Operation{ID: id, Recent: r, Active: active, Totals: console.Totals{Operations: 5}}
	}
	return &console.State{
		At: at, Since: at.Add(-90 * time.Minute),
		Services: []console.Service{
			{Name: "payments.Gateway", Policy: "external_api", Critical: true, State: "open", CircuitBreakers: []string{"payments.Gateway"}, Methods: []console.Method{
				{Name: "Charge", Policy: "external_api", Operation: op("payments.Gateway.Charge", console.Recent{PerSecond: 120, FailedPerSecond: 120, RejectedPerSecond: 118.2, P50: 0.0002, P99: 0.9}, 3)},
				{Name: "Refund", Policy: "external_api_once", Operation: op("payments.Gateway.Refund", console.Recent{}, 0)},
				{Name: "Close", Policy: "none", Operation: console.Operation{ID: "payments.Gateway.Close"}},
			}},
			{Name: "payments.Ledger", Policy: "database", State: "closed", Methods: []console.Method{
				{Name: "Append", Policy: "database", Operation: op("payments.Ledger.Append", console.Recent{PerSecond: 4200, P50: 0.0031, P90: 0.01, P99: 2.345}, 12)},
			}},
		},
		Operations: []console.Operation{op("mail", console.Recent{PerSecond: 0.4, RetriesPerSecond: 0.1, P50: 0.1, P99: 0.25}, 0)},
		CircuitBreakers: []console.CircuitBreaker{
			{Name: "mail", State: "closed", Mode: "disabled", Since: at.Add(-time.Minute), Control: &console.Control{By: "ann", Reason: "the relay lies", Until: at.Add(9 * time.Minute)}},
			{Name: "payments.Gateway", State: "open", Mode: "automatic", Since: at.Add(-72 * time.Second), RetryAfter: 4.2, Rejected: 4210,
				LastTrip: &console.Trip{At: at, Operation: "payments.Gateway.Charge", Error: "connection refused"}},
			{Name: "payments.Ledger", State: "closed", Mode: "automatic"},
		},
		RateLimiters: []console.RateLimiter{{Name: "api-calls", Mode: "overridden", PerSecond: 50, Burst: 10, Control: &console.Control{By: "bob", Reason: "gently"}}},
		Totals:       console.Totals{Operations: 1234567, Failed: 4321, Retries: 1020, CircuitOpen: 4210, Timeouts: 7},
		Profile:      console.ProfileStatus{Name: "production", Error: "production.yaml:3:5: policies.mail.retyr: unknown"},
		DryRun:       &console.DryRun{Profile: "candidate", Trips: 3, Rejections: 412, Retries: 1020, Assumed: 1000, Unseen: 4},
	}
}

func screen(width, height int) *live.Screen {
	return &live.Screen{Address: "http://localhost:8080/clad/", Width: width, Height: height}
}

func TestScreens(t *testing.T) {
	colours, err := terminal.For(nil, "always", nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func() *live.Screen{
		"asking": func() *live.Screen { return screen(60, 4) },
		"outage": func() *live.Screen { s := screen(120, 22); s.Show(outage(), nil); return s },
		"colour": func() *live.Screen { s := screen(120, 22); s.Colours = colours; s.Show(outage(), nil); return s },
		"narrow": func() *live.Screen { s := screen(40, 14); s.Show(outage(), nil); return s },
		"unhealthy": func() *live.Screen {
			s := screen(110, 20)
			s.Show(outage(), nil)
			press(s, "u", "s")
			return s
		},
		"filter": func() *live.Screen {
			s := screen(110, 20)
			s.Show(outage(), nil)
			press(s, "/", "L", "e", "x", "backspace")
			return s
		},
		"totals": func() *live.Screen { s := screen(80, 22); s.Show(outage(), nil); press(s, "tab"); return s },
		"limits": func() *live.Screen {
			s := screen(80, 22)
			state := outage()
			state.CircuitBreakers[2].Mode = "forced_open"
			state.RateLimiters = append(state.RateLimiters, console.RateLimiter{Name: "waited-for", Mode: "automatic", PerSecond: 5, Burst: 5, Tokens: -2.5, Rejected: 123456})
			s.Show(state, nil)
			press(s, "tab", "tab")
			return s
		},
		"help": func() *live.Screen { s := screen(100, 16); press(s, "?"); return s },
		"gone": func() *live.Screen {
			s := screen(110, 20)
			s.Show(outage(), nil)
			s.Show(nil, errors.New("the console at http://localhost:8080/clad/: connection refused"))
			return s
		},
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			s := make()
			frame := s.Frame()
			if len(frame) != s.Height {
				t.Errorf("%d lines, want %d", len(frame), s.Height)
			}
			for _, line := range frame {
				if n := utf8.RuneCountInString(line); n > s.Width && name != "colour" {
					t.Errorf("%d signs, more than %d: %s", n, s.Width, line)
				}
			}
			golden(t, name+".screen", strings.ReplaceAll(strings.Join(frame, "\n"), "\x1b", "\\e")+"\n")
		})
	}
}

func press(s *live.Screen, keys ...string) (quit bool) {
	for _, key := range keys {
		quit = s.Key(key)
	}
	return quit
}

func TestScreenScrolls(t *testing.T) {
	state := outage()
	for i := range 100 {
		state.Operations = append(state.Operations, console.Operation{ID: "op" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26)), Totals: console.Totals{Operations: 1}})
	}
	s := screen(100, 20)
	s.Show(state, nil)
	press(s, "s", "s", "s", "s") // by name
	first := func() string {
		f := s.Frame()
		heading := slices.IndexFunc(f, func(l string) bool { return strings.HasPrefix(l, "OPERATION") })
		return strings.Fields(f[heading+1])[0]
	}
	top := first()
	press(s, "down", "j", "j")
	if first() == top {
		t.Error("it does not go down")
	}
	press(s, "up", "up", "up", "up", "up", "up")
	if got := first(); got != top {
		t.Errorf("at the top is %s, want %s", got, top)
	}
	press(s, "G")
	last := strings.Join(s.Frame(), "\n")
	if !strings.Contains(last, "payments.Ledger.Append") || first() == top {
		t.Errorf("at the end:\n%s", last)
	}
	if press(s, "?", "x") || !press(s, "q") || !press(s, "/", "ctrl+c") {
		t.Error("q and ctrl+c quit, and nothing else")
	}
}

// What an address answers may be anybody's: a terminal obeys nothing of it.
func TestNothingHostileReachesTheTerminal(t *testing.T) {
	evil := "\x1b]0;owned\x07\x1b[2J\u202eevil\r\n\x00\xff"
	state := outage()
	state.Services[0].Name, state.Services[0].Methods[0].ID, state.Services[0].State = evil, evil, "open"+evil
	state.Profile.Name, state.Profile.Error, state.DryRun.Profile = evil, evil, evil
	for i := range state.CircuitBreakers {
		state.CircuitBreakers[i].Name, state.CircuitBreakers[i].State = evil, evil
	}
	state.CircuitBreakers[0].Control = &console.Control{By: evil, Reason: evil}
	state.Services[0].Partitions = &console.Partitions{Known: -1, Open: []string{evil, evil, evil, evil}}
	state.Bulkheads = []console.Bulkhead{{Name: evil, Waiting: 1, Adaptive: &console.AdaptiveLimit{Unloaded: 1e300}}}
	state.RateLimiters[0] = console.RateLimiter{Name: evil, Tokens: -1e300, Period: 1e300, PerPeriod: 1, Shared: &console.Shared{Alone: true, Instances: -1}}
	state.CircuitBreakers[1].Shared = &console.Shared{Instances: -1}
	s := screen(200, 60)
	s.Show(state, nil)
	s.Show(nil, errors.New(evil))
	var page strings.Builder
	live.View{}.Print(&page, state)
	page.WriteString(strings.Join(live.Facts(state), "\n"))
	lines := strings.Split(page.String(), "\n")
	for range 3 {
		lines = append(lines, s.Frame()...)
		press(s, "tab")
	}
	press(s, "/", evil)
	for _, text := range append(s.Frame(), lines...) {
		if strings.ContainsAny(text, "\x1b\x07\r\n\x00\u202e") || !utf8.ValidString(text) {
			t.Errorf("%q", text)
		}
	}
	for _, trouble := range live.Troubles(state) {
		if strings.ContainsAny(trouble.Text, "\x1b\x07\r\n\x00\u202e") {
			t.Errorf("%q", trouble.Text)
		}
	}
}

func TestKeys(t *testing.T) {
	keys, rest := live.Keys([]byte("q\t\x1b[A\x1b[6~é\x1bOB\r\x7f\x03\x01\x1b[200~\x1b"))
	if got := strings.Join(keys, " "); got != "q tab up pgdown é down enter backspace ctrl+c esc" || len(rest) != 0 {
		t.Errorf("%q, %q", got, rest)
	}
	if keys, rest := live.Keys([]byte("\x1b[")); len(keys) != 0 || string(rest) != "\x1b[" {
		t.Errorf("%q, %q", keys, rest)
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("q\x1b[A\xc3"))
	f.Fuzz(func(t *testing.T, input []byte) {
		s := screen(80, 24)
		s.Show(outage(), nil)
		keys, rest := live.Keys(input)
		if len(rest) > len(input) {
			t.Errorf("%q is left of %q", rest, input)
		}
		press(s, keys...)
		if len(s.Frame()) != 24 {
			t.Error("not a frame")
		}
	})
}
