package gen_test

import (
	"bytes"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/fx"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/wiring"
)

// TestGolden compares the generated files under testdata, which other tests
// compile and call, with what would be generated now. To rewrite them:
//
//	go run ./cmd/clad gen ./cmd/clad/internal/gen/testdata/functions ./cmd/clad/internal/gen/testdata/nasty/... ./cmd/clad/internal/gen/testdata/wiring/...
//	go test ./cmd/clad/internal/gen -run TestFakes -update
func TestGolden(t *testing.T) {
	result, err := gen.Run(t.Context(), gen.Options{
		Patterns: []string{"./testdata/functions", "./testdata/nasty/...", "./testdata/wiring/..."},
		Check:    true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range result.Stale {
		t.Errorf("%s is not what would be generated now", name)
	}
	if len(result.Unchanged) != 6 {
		t.Errorf("only these are compared: %v", result.Unchanged)
	}
}

// TestGeneratedFilesAreFormatted: gofmt has nothing to change in them.
func TestGeneratedFilesAreFormatted(t *testing.T) {
	files, err := filepath.Glob("testdata/*/clad_gen*.go")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(text)
		if err != nil || !bytes.Equal(formatted, text) {
			t.Errorf("%s is not as gofmt writes it: %v", name, err)
		}
	}
}

// TestEveryWayToTag checks that nothing in testdata/wiring is overlooked: what
// each constructor there provides, and nothing else.
func TestEveryWayToTag(t *testing.T) {
	for file, want := range map[string]string{
		"clad_gen.go": `Rows Auditor Cache Clock Events Feature Fraud Gateway Geo Handler Identity Ledger Mailer Probe
			Queue Rates Repo[*payments.Order] Repo[payments.Order] Repo[payments.User] Search Store Tax Token Tracer Vault Anonymous`,
		"clad_gen_test.go":     "InTest",
		"clad_gen_ext_test.go": "Rows Outside Anonymous",
	} {
		var got []string
		for line := range strings.Lines(read(t, "testdata/wiring/"+file)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "container.RegisterProxy(new"); ok {
				got = append(got, strings.Replace(strings.TrimSuffix(name, ")"), "Proxy", "", 1))
			}
		}
		if want := strings.Join(strings.Fields(want), " "); strings.Join(got, " ") != want {
			t.Errorf("%s registers\n%s\nwant\n%s", file, strings.Join(got, " "), want)
		}
	}
}

// TestEveryTagIsAccepted: what clad gen finds in testdata/wiring is what
// container.Tag wants a proxy for.
func TestEveryTagIsAccepted(t *testing.T) {
	for name, provided := range map[string]fx.Option{
		"options": wiring.All(),
		"loop":    fx.Provide(wiring.Loop()...),
		"helped":  fx.Provide(wiring.Helped()...),
	} {
		if err := fx.New(provided, fx.NopLogger).Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
