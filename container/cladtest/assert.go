package cladtest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// AssertLayers fails the test unless these layers stand around an operation, outermost
// first, and no others. A layer is named by its kind, as profiles do, or with its
// settings, as policies print them:
//
//	cladtest.AssertLayers(t, o, "payments.Gateway.Charge", "retry", "circuit_breaker(bank)", "timeout(5s)")
//
// None at all says that the operation is known, and runs without a policy.
func AssertLayers(t testing.TB, o *container.Orchestrator, operation string, want ...string) {
	t.Helper()
	p, ok := o.PolicyOf(operation)
	if !ok {
		names := operationsOf(o)
		t.Errorf("no operation %q%s; there are: %s", operation, suggest.DidYouMean(operation, names), suggest.Few(names))
		return
	}
	var got []string
	for _, layer := range policy.Layers(p) {
		got = append(got, layer.String())
	}
	if slices.EqualFunc(got, want, sameLayer) {
		return
	}
	t.Errorf("%s is not guarded as it should be, outermost first (- want, + is):%s", operation, diff(want, got))
}

// sameLayer reports whether a layer that is there is the one that is wanted.
func sameLayer(got, want string) bool {
	kind, _, _ := strings.Cut(got, "(")
	return got == want || kind == want
}

// diff shows what is wanted and what is, a line each, around the longest row of layers
// that both have.
func diff(want, got []string) string {
	length := make([][]int, len(want)+1)
	for i := range length {
		length[i] = make([]int, len(got)+1)
	}
	for i, w := range slices.Backward(want) {
		for j, g := range slices.Backward(got) {
			if length[i][j] = max(length[i+1][j], length[i][j+1]); sameLayer(g, w) {
				length[i][j] = length[i+1][j+1] + 1
			}
		}
	}
	var b strings.Builder
	i, j := 0, 0
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && j < len(got) && sameLayer(got[j], want[i]):
			fmt.Fprintf(&b, "\n      %s", got[j])
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && length[i+1][j] >= length[i][j+1]:
			fmt.Fprintf(&b, "\n    - %s", want[i])
			i++
		default:
			fmt.Fprintf(&b, "\n    + %s", got[j])
			j++
		}
	}
	return b.String()
}

// AssertTotals fails the test unless exactly this was counted of an operation so far,
// and shows the counts that differ. One that has not run has counted nothing.
func AssertTotals(t testing.TB, o *container.Orchestrator, operation string, want policy.Totals) {
	t.Helper()
	all := o.Metrics().Operations
	got, ran := all[operation]
	if got == want {
		return
	}
	if !ran {
		names := slices.Sorted(maps.Keys(all))
		t.Errorf("%s has not run%s; what has: %s", operation, suggest.DidYouMean(operation, names), suggest.Few(names))
		return
	}
	var b strings.Builder
	is, should := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range is.NumField() {
		if a, b2 := is.Field(i).Uint(), should.Field(i).Uint(); a != b2 {
			fmt.Fprintf(&b, "\n    %s: %d, want %d", is.Type().Field(i).Name, a, b2)
		}
	}
	t.Errorf("%s counted something else:%s", operation, b.String())
}

// AssertCircuitBreaker fails the test unless a circuit breaker is in a state now.
func AssertCircuitBreaker(t testing.TB, o *container.Orchestrator, name string, want policy.State) {
	t.Helper()
	b, ok := o.CircuitBreaker(name)
	if !ok {
		var names []string
		for _, b := range o.CircuitBreakers() {
			names = append(names, b.Name())
		}
		t.Errorf("no circuit breaker %q%s; there are: %s", name, suggest.DidYouMean(name, names), suggest.Few(names))
		return
	}
	if s := b.Status(); s.State != want {
		t.Errorf("circuit breaker %s is %v (%s since %v, retry after %v), want %v", name, s.State, s.Mode, s.Since.Format("15:04:05.000"), s.RetryAfter, want)
	}
}

// operationsOf lists the operations that an orchestrator knows.
func operationsOf(o *container.Orchestrator) []string {
	names := slices.Collect(maps.Keys(o.Metrics().Operations))
	for _, s := range o.Services() {
		for _, m := range s.Methods {
			names = append(names, m.Operation)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// numbered is a text with the numbers of its lines.
func numbered(text string) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		n++
		fmt.Fprintf(&b, "%4d  %s", n, line)
	}
	return b.String()
}
