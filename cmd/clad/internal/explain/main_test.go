package explain_test

import (
	"testing"
	"testing/fstest"

	"github.com/cladgo/clad/cmd/clad/internal/explain"
	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// load loads a profile of a single file.
func load(t testing.TB, name, text string, environ ...string) *config.Profile {
	t.Helper()
	p, err := config.Load(fstest.MapFS{name + ".yaml": {Data: []byte(text)}}, name, environ)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// layers names the layers of a policy by their kinds.
func layers(p policy.Policy) []explain.Layer {
	var found []explain.Layer
	for _, l := range policy.Layers(p) {
		key := map[bool]string{true: "timeout", false: "attempt_timeout"}[len(found) == 0]
		switch l.(type) {
		case policy.Retry:
			key = "retry"
		case policy.Hedge:
			key = "hedge"
		case policy.RateLimit:
			key = "rate_limit"
		case policy.Bulkhead:
			key = "bulkhead"
		case policy.CircuitBreaker:
			key = "circuit_breaker"
		}
		found = append(found, explain.Layer{Key: key, Policy: l})
	}
	return found
}
