package gen_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/record"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// TestKeys: calls share a breaker with those of the same key, whatever the key's type.
func TestKeys(t *testing.T) {
	r := &record.Recorder{}
	errDown := errors.New("down")
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{
		"p": policy.CircuitBreaker{FailureThreshold: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	fake := nasty.Fakes(r)
	var keyed nasty.Keyed
	for _, f := range fake {
		if k, ok := f.(nasty.Keyed); ok {
			keyed = k
		}
	}
	if err := c.Provide(container.Tag(func() nasty.Keyed { return keyed }, "p")); err != nil {
		t.Fatal(err)
	}
	if err := c.Invoke(func(k nasty.Keyed) { keyed = k }); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, tt := range map[string]struct {
		key  string
		call func() error
	}{
		"string":     {"text", func() error { _, err := keyed.ByText(ctx, "text", 1); return err }},
		"named":      {"name", func() error { return keyed.ByName(ctx, "name") }},
		"int":        {"-7", func() error { return keyed.ByNumber(ctx, -7) }},
		"int64":      {"-9223372036854775808", func() error { return keyed.BySigned(ctx, -1<<63) }},
		"uint8":      {"255", func() error { return keyed.BySize(ctx, 255) }},
		"uint64":     {"18446744073709551615", func() error { return keyed.ByUnsigned(ctx, 1<<64-1) }},
		"String":     {"0a0b", func() error { return keyed.ByValue(ctx, nasty.UUID{10, 11}) }},
		"no context": {"none", func() error { return keyed.WithoutContext("none") }},
		"request":    {"request", func() error { return keyed.ByRequest("request", new(http.Request)) }},
		"hedged":     {"both", func() error { _, err := keyed.GetBoth(ctx, "both"); return err }},
		"embedded":   {"8", func() error { return keyed.ByShard(ctx, 8) }},
	} {
		t.Run(name, func(t *testing.T) {
			r.Fill = func(results []any) {
				if err, ok := results[len(results)-1].(*error); ok {
					*err = errDown
				}
			}
			if err := tt.call(); !errors.Is(err, errDown) {
				t.Fatalf("got %v", err)
			}
			var open *policy.CircuitOpenError
			if err := tt.call(); !errors.As(err, &open) || open.Name != "nasty.Keyed/"+tt.key {
				t.Errorf("got %v, want the circuit of %s to be open", err, tt.key)
			}
		})
	}
	if b, ok := c.Orchestrator().CircuitBreaker("nasty.Keyed"); !ok || b.State() != policy.StateClosed {
		t.Error("a partition that is down has opened the service's own breaker")
	}
	r.Fill = func([]any) {}
	if _, err := keyed.ByText(ctx, "", 1); err != nil {
		t.Errorf("an empty key is no partition: %v", err)
	}
}

// TestKeyMistakes: a comment that can't be obeyed is said with its place and reason.
func TestKeyMistakes(t *testing.T) {
	dir := unpack(t, `
-- main.go --
package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

type Store interface {
	//clad:key tenantId
	Near(ctx context.Context, tenantID string, cents int) error
	//clad:key
	Nothing(ctx context.Context, tenantID string) error
	//clad:key tenantID cents
	Two(ctx context.Context, tenantID string, cents int) error
	//clad:key tenantID
	//clad:key cents
	Twice(ctx context.Context, tenantID string, cents int) error
	//clad:key tenant
	Unnamed(context.Context, string) error
	//clad:key _
	Blank(_ context.Context, _ string) error
	//clad:key ids
	List(ctx context.Context, ids ...string) error
	//clad:key ctx
	Context(ctx context.Context) error
	//clad:key p
	Pointer(ctx context.Context, p *Named) error
	//clad:key share
	Float(ctx context.Context, share float64) error
	//clad:key tenantID
	Blind(tenantID string) bool
	Embedded //clad:key tenantid
	//clad:keys tenantID
	Keys(ctx context.Context, tenantID string) error
}

//clad:key tenantID
type Other interface { Do(ctx context.Context, tenantID string) error }

type Generic[K comparable] interface {
	//clad:key k
	Get(ctx context.Context, k K) error
}

type Embedded interface { Do(ctx context.Context, tenantID string) error }

type Named struct{}

func (*Named) String() string { return "" }

func main() {
	container.Tag(func() Store { return nil }, "p")
	container.Tag(func() Other { return nil }, "p")
	container.Tag(func() Generic[string] { return nil }, "p")
}
`)
	_, err := run(t, gen.Options{Dir: dir})
	if err == nil {
		t.Fatal("no errors")
	}
	const kinds = "a key is a string, an integer, or a value with a method String() string, as a UUID; "
	want := []string{
		`10:2: //clad:key tenantId: Near has no parameter of that name (did you mean "tenantID"?); there are: ctx, tenantID, cents`,
		`12:2: //clad:key is followed by the name of one parameter, and nothing else: //clad:key tenantID`,
		`14:2: //clad:key is followed by the name of one parameter, and nothing else: //clad:key tenantID`,
		`17:2: //clad:key cents: the key is tenantID already, and a call is of one partition`,
		`19:2: //clad:key tenant: the parameters of Unnamed have no names`,
		`21:2: //clad:key _: the parameters of Blank have no names`,
		`23:2: //clad:key ids: ` + kinds + `ids is a []string`,
		`25:2: //clad:key ctx: ` + kinds + `ctx is a context.Context`,
		`27:2: //clad:key p: ` + kinds + `p is a *main.Named`,
		`29:2: //clad:key share: ` + kinds + `share is a float64`,
		`31:2: //clad:key tenantID does nothing: Blind is passed through, since it returns no error`,
		`33:11: //clad:key tenantid: no method of main.Embedded that can be guarded has a parameter of that name`,
		`34:2: unknown directive //clad:keys tenantID: there are //clad:once, //clad:safe, //clad:bounded, //clad:skip and //clad:key`,
		`38:1: //clad:key tenantID does nothing above a type: put it above the methods that it is meant for`,
		`42:2: //clad:key k: ` + kinds + `k is a K`,
	}
	var got []string
	for line := range strings.Lines(err.Error()) {
		_, message, _ := strings.Cut(strings.TrimSpace(line), "main.go:")
		got = append(got, message)
	}
	if !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got[min(i, len(got)):], "\n"), strings.Join(want[min(i, len(want)):], "\n"))
				break
			}
		}
	}
}
