package explain_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/explain"
	"github.com/cladgo/clad/cmd/clad/internal/terminal"
	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

func TestWarnings(t *testing.T) {
	for name, tt := range map[string]struct {
		policy string // a policy p
		want   string // "layer rule: problem" of each, ; between them
	}{
		"a good one":                {`{timeout: 20s, retry: 3, rate_limit: {requests_per_second: 10, max_wait: 1s}, circuit_breaker: {}, attempt_timeout: 5s}`, ``},
		"a timeout alone":           {`{timeout: 20s}`, ``},
		"one attempt":               {`{retry: 1}`, ``},
		"a breaker outside":         {`{order: [circuit_breaker, retry, timeout], circuit_breaker: {}, retry: 3, timeout: 1s}`, `circuit_breaker breaker-outside-retry: stands outside the retry: all 3 attempts count as one failure, and an open circuit does not end them; put it inside with order`},
		"outside a single attempt":  {`{order: [circuit_breaker, retry, timeout], circuit_breaker: {}, retry: 1, timeout: 1s}`, ``},
		"a limit outside":           {`{order: [rate_limit, retry, timeout], rate_limit: {requests_per_second: 10}, retry: 3, timeout: 1s}`, `rate_limit retry-inside-rate-limit: stands outside the retry, so that further attempts take no token: put it inside with order`},
		"a bulkhead outside":        {`{order: [bulkhead, retry, timeout], bulkhead: {max_concurrent: 2}, retry: 3, timeout: 1s}`, `bulkhead retry-inside-bulkhead: stands outside the retry, so that a call keeps its permit while it waits for the next attempt: put it inside with order`},
		"a bulkhead inside":         {`{bulkhead: {max_concurrent: 2}, retry: 3, attempt_timeout: 1s}`, ``},
		"permits for ever":          {`{bulkhead: {max_concurrent: 2}}`, `bulkhead bulkhead-without-timeout: the policy has no timeout: calls that hang keep their permits, and once all 2 are out every call is rejected; set attempt_timeout`},
		"an endless wait for one":   {`{timeout: 2s, bulkhead: {max_concurrent: 1, max_wait: 3s}}`, `bulkhead wait-above-timeout: max_wait is 3s, but the timeout around it ends after 2s: no call waits longer than that`},
		"a longer timeout inside":   {`{order: [attempt_timeout, timeout], attempt_timeout: 1s, timeout: 2s}`, `timeout timeout-without-effect: 2s never pass: the attempt_timeout around it ends after 1s`},
		"as long":                   {`{timeout: 2s, attempt_timeout: 2s}`, `attempt_timeout timeout-without-effect: 2s never pass: the timeout around it ends after 2s`},
		"an endless wait":           {`{timeout: 2s, rate_limit: {requests_per_second: 1, max_wait: 3s}}`, `rate_limit wait-above-timeout: max_wait is 3s, but the timeout around it ends after 2s: no call waits longer than that`},
		"a wait outside":            {`{order: [rate_limit, timeout], timeout: 2s, rate_limit: {requests_per_second: 1, max_wait: 3s}}`, ``},
		"no timeout":                {`{retry: 3}`, `retry retry-without-timeout: the policy has no timeout: an attempt that hangs is never ended, nor tried again; set attempt_timeout`},
		"no timeout, breaker":       {`{circuit_breaker: {}}`, `circuit_breaker breaker-without-timeout: the policy has no timeout: a dependency that hangs is never counted as failing; set attempt_timeout`},
		"no timeout, slow calls":    {`{circuit_breaker: {slow_call: 1s}}`, ``},
		"a slow call too long":      {`{circuit_breaker: {slow_call: 3s}, attempt_timeout: 2s}`, `circuit_breaker slow-call-without-effect: slow_call is 3s, but the attempt_timeout ends each call after 2s: none is ever slow`},
		"a slow call as long":       {`{circuit_breaker: {slow_call: 2s}, attempt_timeout: 2s}`, ``},
		"too few to be slow":        {`{timeout: 5s, rate_limit: {requests_per_second: 1, burst: 1}, circuit_breaker: {slow_call: 1s}}`, `circuit_breaker threshold-out-of-reach: min_requests is 20, but the rate_limit lets only 11 requests through in the window of 10s: slow_rate never says anything`},
		"no attempt timeout":        {`{timeout: 5s, retry: 3}`, `retry retry-without-attempt-timeout: an attempt that hangs uses up the timeout of 5s, and is never tried again; set attempt_timeout`},
		"hanging attempts":          {`{timeout: 10s, retry: 3, attempt_timeout: 4950ms}`, `retry attempts-do-not-fit: attempts that use up their 4.95s are no more than 2 of 3: the timeout is 10s`},
		"just fit":                  {`{timeout: 10s, retry: 2, attempt_timeout: 4950ms}`, ``},
		"max_elapsed too early":     {`{retry: {max_attempts: 2, max_elapsed: 4s}, attempt_timeout: 5s}`, `retry attempts-do-not-fit: attempts that use up their 5s are no more than 1 of 2: max_elapsed is 4s`},
		"beyond patience":           {`{retry: {max_attempts: 4, backoff: {type: fixed, delay: 1s}}, attempt_timeout: 8s}`, `- patience: a call may take 35s, longer than a caller is likely to wait (30s): lower the timeouts or the attempts`},
		"a threshold out of reach":  {`{timeout: 1s, rate_limit: {requests_per_second: 2, burst: 4}, circuit_breaker: {failure_threshold: 25, window: 10s}}`, `circuit_breaker threshold-out-of-reach: failure_threshold is 25, but the rate_limit lets only 24 requests through in the window of 10s: the breaker never trips`},
		"a threshold within reach":  {`{timeout: 1s, rate_limit: {requests_per_second: 2, burst: 4}, circuit_breaker: {failure_threshold: 24, window: 10s}}`, ``},
		"a fixed recovery":          {`{timeout: 1s, circuit_breaker: {recovery_timeout: 30s}}`, `circuit_breaker fixed-recovery: stays open for 30s, and as long again after each probe that fails: what is back sooner is refused until then, and a failover of 3s becomes an outage of 30s; leave recovery_timeout out (500ms, and up to 30s while it stays away), or set max_recovery beside a short one`},
		"a short fixed recovery":    {`{timeout: 1s, circuit_breaker: {recovery_timeout: 5s}}`, ``},
		"a growing recovery":        {`{timeout: 1s, circuit_breaker: {recovery_timeout: 6s, max_recovery: 30s}}`, ``},
		"a period out of reach":     {`{timeout: 1s, rate_limit: {requests_per_period: 10, per: 1m}, circuit_breaker: {failure_threshold: 25, window: 90s}}`, `circuit_breaker threshold-out-of-reach: failure_threshold is 25, but the rate_limit lets only 20 requests through in the window of 1m30s: the breaker never trips`},
		"in a row":                  {`{timeout: 1s, rate_limit: {requests_per_second: 2, burst: 4}, circuit_breaker: {failure_threshold: 25}}`, ``},
		"too few for the rate":      {`{timeout: 1s, rate_limit: {requests_per_second: 1, burst: 1}, circuit_breaker: {failure_rate: 0.5, window: 10s}}`, `circuit_breaker threshold-out-of-reach: min_requests is 20, but the rate_limit lets only 11 requests through in the window of 10s: failure_rate never says anything`},
		"retries for one token":     {`{order: [rate_limit, retry, circuit_breaker, timeout], timeout: 1s, retry: 2, rate_limit: {requests_per_second: 1, burst: 1}, circuit_breaker: {failure_rate: 0.5, window: 10s}}`, `rate_limit retry-inside-rate-limit: stands outside the retry, so that further attempts take no token: put it inside with order`},
		"a breaker that others use": {`{timeout: 1s, rate_limit: {requests_per_second: 1, burst: 1}, circuit_breaker: {name: shared, failure_rate: 0.5, window: 10s}}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			r := explain.New(load(t, "test", "policies:\n  p: "+tt.policy+"\n"), explain.Options{Patience: 30 * time.Second})
			var got []string
			p := r.Policies[0]
			for _, w := range p.Warnings {
				layer := "-"
				if w.Layer >= 0 {
					layer = p.Layers[w.Layer].Key
				}
				got = append(got, layer+" "+w.Rule+": "+w.Problem)
				if w.Origin.File == "" || !strings.HasPrefix(w.Path, "policies.p") {
					t.Errorf("a warning without its place: %v", w)
				}
			}
			if joined := strings.Join(got, "; "); joined != tt.want {
				t.Errorf("%s\ngot  %s\nwant %s", tt.policy, joined, tt.want)
			}
		})
	}
}

// No profile can nest two retries so far, but code can.
func TestRetryInsideRetry(t *testing.T) {
	p := policy.Combine(policy.Retry{MaxAttempts: 3}, policy.Retry{MaxAttempts: 2}, seconds(1))
	found := explain.Warnings(layers(p), time.Minute)
	want := explain.Warning{Rule: "retry-inside-retry", Layer: 0, Problem: "has another retry inside: up to 6 attempts in all; keep one of them"}
	if !slices.Contains(found, want) {
		t.Errorf("got %v, want %v", found, want)
	}
	p = policy.Combine(policy.Retry{MaxAttempts: 3}, policy.Retry{MaxAttempts: 1}, seconds(1))
	if found := explain.Warnings(layers(p), time.Minute); len(found) > 0 {
		t.Errorf("with a single attempt inside: %v", found)
	}
}

// The example shows how it is done, but for the one policy that is patient on
// purpose.
func TestExampleHasNoWarnings(t *testing.T) {
	for _, name := range []string{"production", "development"} {
		p, err := config.Load(config.Dir("../../../../configs"), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range explain.New(p, explain.Options{Patience: 30 * time.Second}).Policies {
			for _, w := range p.Warnings {
				if p.Name != "notifications" || w.Rule != "patience" {
					t.Errorf("%s: %s: %s", name, w.Path, w.Problem)
				}
			}
		}
	}
}

// What is critical is shown with its place, in what a person reads and in JSON.
func TestWhatIsCriticalIsShown(t *testing.T) {
	p := load(t, "test", "policies: {a: {retry: 3}}\nservices:\n  bank.Gateway: {critical: true}\n  bank.Mail: {critical: false}\n")
	for _, tagged := range [][]explain.Tagged{nil, {{Type: "bank.Gateway", Full: "example.com/bank.Gateway", Policy: "a", Methods: []usage.Method{{Name: "Charge"}}}}} {
		r := explain.New(p, explain.Options{Tagged: tagged})
		var text strings.Builder
		r.Print(&text, terminal.Colours{})
		if n := strings.Count(text.String(), "critical: not ready while"); n != 1 {
			t.Errorf("shown %d times in\n%s", n, &text)
		}
		for _, s := range r.Services {
			if s.Name == "bank.Gateway" && s.Critical.Line != 3 || s.Name == "bank.Mail" && s.Critical != (explain.Origin{}) {
				t.Errorf("%s: %+v", s.Name, s.Critical)
			}
		}
	}
}

// Calls that go by paths of their own stand behind the methods.
func TestChoicesForPathsAreShown(t *testing.T) {
	p := load(t, "test", "policies: {a: {retry: 3}, b: {retry: 1}}\nservices: {grpc.ClientConnInterface: {methods: {/shop.Orders/Get: b}}}\n")
	r := explain.New(p, explain.Options{Tagged: []explain.Tagged{{
		Type: "grpc.ClientConnInterface", Full: "google.golang.org/grpc.ClientConnInterface", Policy: "a", Paths: true,
		Methods: []usage.Method{{Name: "Invoke"}, {Name: "NewStream"}},
		Chosen:  map[string]usage.Use{"/shop.Orders/Put": {Policy: "a"}},
	}}})
	var got []string
	for _, m := range r.Services[0].Methods {
		got = append(got, m.Name+" "+m.Policy)
	}
	want := []string{"Invoke a", "NewStream a", "/shop.Orders/Get b", "/shop.Orders/Put a"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if only, err := r.Only("grpc.ClientConnInterface/shop.Orders/Get"); err != nil || len(only.Services) != 1 || only.Services[0].Methods[0].Policy != "b" {
		t.Errorf("%+v, %v", only, err)
	}
}
