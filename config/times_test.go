package config_test

import "testing"

// What the waits between the attempts take at least, next to a limit that they
// just keep, and one that they just do not.
func TestWaitsMustFitTheTimes(t *testing.T) {
	for name, tt := range map[string]struct{ retry, fits, exceeds string }{
		"fixed":                      {"{max_attempts: 3, backoff: {type: fixed, delay: 1s}}", "2001ms", "2s"},
		"linear":                     {"{max_attempts: 4, backoff: {type: linear, initial_delay: 1s, increment: 1s}}", "6001ms", "6s"},
		"linear, capped":             {"{max_attempts: 4, backoff: {type: linear, initial_delay: 1s, increment: 1s, max_delay: 2s}}", "5001ms", "5s"},
		"exponential":                {"{max_attempts: 4, backoff: {initial_delay: 1s, jitter: false}}", "7001ms", "7s"},
		"jitter may halve each":      {"{max_attempts: 4, backoff: {initial_delay: 1s}}", "3501ms", "3500ms"},
		"one attempt waits for none": {"{max_attempts: 1, backoff: {type: fixed, delay: 1h}}", "1ns", ""},
		"no wait at all":             {"{max_attempts: 2147483647, backoff: {type: fixed, delay: 0s}}", "1ns", ""},
		"very many":                  {"{max_attempts: 2147483647, backoff: {type: fixed, delay: 1ms}}", "597h", "596h"},
		"without end":                {"{max_attempts: 2147483647, backoff: {multiplier: 9, max_delay: 0s}}", "", "2562047h"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.fits != "" {
				if _, err := load("policies: {p: {timeout: " + tt.fits + ", retry: " + tt.retry + "}}"); err != nil {
					t.Error(err)
				}
			}
			if tt.exceeds != "" {
				_, err := load("policies: {p: {timeout: " + tt.exceeds + ", retry: " + tt.retry + "}}")
				wantError(t, err, "test.yaml:1:", "policies.p.retry: the waits between", "the last attempts could never start")
			}
		})
	}
}

// A timeout inside the retry is that of one attempt: waits are none of its business.
func TestTimeoutInsideTheRetryBoundsNoWaits(t *testing.T) {
	_, err := load(`
policies:
  waits: {order: [retry, timeout], timeout: 1s, retry: {backoff: {type: fixed, delay: 9s}}}
  attempt: {order: [attempt_timeout, timeout], timeout: 1s, attempt_timeout: 9s}
`)
	if err != nil {
		t.Error(err)
	}
}

// No new attempt starts after max_elapsed, but one that starts right then does.
func TestWaitsMayTakeAllOfMaxElapsed(t *testing.T) {
	const waits = "max_attempts: 3, backoff: {type: fixed, delay: 1s}"
	if _, err := load("policies: {p: {retry: {" + waits + ", max_elapsed: 2s}}}"); err != nil {
		t.Error(err)
	}
	_, err := load("policies: {p: {retry: {" + waits + ", max_elapsed: 1999ms}}}")
	wantError(t, err, "take at least 2s, longer than max_elapsed, 1.999s (test.yaml:1:89)")
}
