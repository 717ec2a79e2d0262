package usage_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/cmd/clad/internal/usage/testdata/shop/store"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A shop that names policies in every way there is.
func TestFind(t *testing.T) {
	code, err := usage.Find(t.Context(), usage.Options{Dir: "testdata/shop", Patterns: []string{"./..."}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/shop.golden", show(code))
}

func show(code *usage.Code) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d packages\n\nuses\n", code.Packages)
	for _, u := range code.Uses {
		fmt.Fprintf(&b, "%v: %s: %q\n", u.At, u.By, u.Policy)
	}
	fmt.Fprintf(&b, "\nunchecked\n")
	for _, u := range code.Unchecked {
		fmt.Fprintf(&b, "%v: %s\n", u.At, u.What)
	}
	fmt.Fprintf(&b, "\nservices\n")
	for _, s := range code.Services {
		fmt.Fprintf(&b, "%v: %s (%s): %q", s.At, s.Type, s.Full, s.Policy)
		for _, m := range s.Methods {
			fmt.Fprintf(&b, " %s:%s", m.Name, []string{"guarded", "once", "optional", "unguarded", "no-timeouts", "single", "rewinds", "safe"}[m.Guard])
		}
		if s.Methods == nil {
			b.WriteString(" methods unknown")
		}
		for _, method := range slices.Sorted(maps.Keys(s.Chosen)) {
			fmt.Fprintf(&b, " %s=%q", method, s.Chosen[method].Policy)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\nbroken\n")
	for _, p := range code.Broken {
		fmt.Fprintf(&b, "%v: %s\n", p.At, p.Message)
	}
	return b.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update rewrites it); got\n%s", file, got)
	}
}

// Profiles name services as package reflect prints their types.
func TestServicesAreNamedAsTheContainerDoes(t *testing.T) {
	code, err := usage.Find(t.Context(), usage.Options{Dir: "testdata/shop", Patterns: []string{"."}})
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[store.Gateway](), reflect.TypeFor[store.Repo[store.User]](), reflect.TypeFor[store.Sender](), reflect.TypeFor[store.Hooks](),
	} {
		found := slices.ContainsFunc(code.Services, func(s usage.Service) bool {
			return s.Type == typ.String() && s.Full == typ.PkgPath()+"."+typ.Name()
		})
		if !found {
			t.Errorf("no service is named %v", typ)
		}
	}
	client := reflect.TypeFor[http.Client]().String() // of which a pointer is provided
	if !slices.ContainsFunc(code.Services, func(s usage.Service) bool { return s.Type == client }) {
		t.Errorf("no service is named %s", client)
	}
}

// A package that does not compile is read as far as it goes, and says so.
func TestBrokenPackage(t *testing.T) {
	code, err := usage.Find(t.Context(), usage.Options{Dir: "testdata/broken", Patterns: []string{"."}})
	if err != nil {
		t.Fatal(err)
	}
	if len(code.Broken) == 0 || code.Broken[0].At.Line != 9 || !strings.Contains(code.Broken[0].Message, "undefined: missing") {
		t.Errorf("problems: %+v", code.Broken)
	}
	if len(code.Uses) != 2 || code.Uses[1].Policy != "database" {
		t.Errorf("uses: %+v", code.Uses)
	}
}

func TestNothingToRead(t *testing.T) {
	for _, pattern := range []string{"./nowhere/...", "./nowhere", "example.com/nowhere"} {
		code, err := usage.Find(t.Context(), usage.Options{Dir: "testdata/shop", Patterns: []string{pattern}})
		if err == nil {
			t.Errorf("%s: %+v", pattern, code)
		}
	}
}

// Build tags decide what is read.
func TestTags(t *testing.T) {
	for tags, want := range map[string]int{"": 2, "more": 3} {
		code, err := usage.Find(t.Context(), usage.Options{Dir: "testdata/broken", Patterns: []string{"."}, Tags: tags})
		if err != nil {
			t.Fatal(err)
		}
		if len(code.Uses) != want {
			t.Errorf("with the tags %q: %+v, want %d", tags, code.Uses, want)
		}
	}
}
