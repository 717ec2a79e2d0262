package explain_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/explain"
	"github.com/cladgo/clad/cmd/clad/internal/usage"
)

// Hedges were counted for what is never hedged, in the longest time at least, and
// requests that only read were said not to be.
func TestHedgesAreCountedWhereTheyAreMade(t *testing.T) {
	p := load(t, "production", `
policies:
  fast: {retry: 3, hedge: {delay: 50ms, max_hedges: 2}, attempt_timeout: 1s}
services:
  http.Client: {policy: fast, methods: {GET: fast, POST: fast, GET /users: fast, PUT /users: fast, /users: fast}}
  http.RoundTripper[bank]: {methods: {DELETE: fast}}
  grpc.ClientConnInterface: {policy: fast, methods: {Invoke: fast, NewStream: fast, /shop.Orders/Get: fast}}
  driver.Connector: {policy: fast}
  shop.Orders: {policy: fast}
  shop.Ledger: {policy: fast}
`)
	tagged := explain.Tagged{Type: "shop.Orders", Full: "example.com/shop.Orders", Policy: "fast", Methods: []usage.Method{
		{Name: "Find", Guard: usage.Hedges}, {Name: "List", Guard: usage.Safe}, {Name: "Place", Guard: usage.Guarded},
	}}
	const always, never, sometimes = "9 3.75s", "3 3.45s not", "9 3.75s where"
	want := map[string]string{
		"http.Client.": sometimes, "http.Client.GET": always, "http.Client.POST": never,
		"http.Client.GET /users": always, "http.Client.PUT /users": never, "http.Client./users": sometimes,
		"http.RoundTripper[bank].DELETE": never,
		"grpc.ClientConnInterface.":      sometimes, "grpc.ClientConnInterface.Invoke": sometimes,
		"grpc.ClientConnInterface.NewStream": never, "grpc.ClientConnInterface./shop.Orders/Get": sometimes,
		"driver.Connector.": never, "shop.Ledger.": sometimes,
		"shop.Orders.Find": always, "shop.Orders.List": never, "shop.Orders.Place": never,
	}
	for _, s := range explain.New(p, explain.Options{Tagged: []explain.Tagged{tagged}}).Services {
		for _, m := range s.Methods {
			if m.Policy != "fast" {
				continue
			}
			name := s.Name + "." + m.Name
			got := []string{strconv.Itoa(m.Attempts), m.Worst.String()}
			if strings.Contains(m.Note, "not hedged") {
				got = append(got, "not")
			}
			if strings.Contains(m.Note, "hedged where") {
				got = append(got, "where")
			}
			if got := strings.Join(got, " "); got != want[name] {
				t.Errorf("%s: %s, want %s", name, got, want[name])
			}
			delete(want, name)
		}
	}
	for name := range want {
		t.Errorf("%s is left out", name)
	}
}
