package gen_test

import (
	"fmt"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

// TestStandardLibrary makes a proxy of every exported interface of the standard
// library, and compiles them.
func TestStandardLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a proxy of each interface of the standard library")
	}
	t.Parallel()
	dir := t.TempDir()
	module(t, dir)
	corpus(t, dir, "std")
}

// TestCorpus does the same for well-known modules, which it downloads: those that
// testdata/corpus/go.mod requires, or the go.mod of another folder.
func TestCorpus(t *testing.T) {
	from := os.Getenv("CLAD_GEN_CORPUS")
	switch from {
	case "":
		t.Skip("set CLAD_GEN_CORPUS=1 to generate for every interface of the modules in testdata/corpus/go.mod, or name another folder with a go.mod")
	case "1":
		from = "testdata/corpus"
	}
	for _, path := range corpusModules(t, from) {
		t.Run(path, func(t *testing.T) {
			dir := t.TempDir()
			corpusModule(t, dir, from)
			corpus(t, dir, path+"/...")
		})
	}
}

// corpus generates for all exported interfaces of the packages that match, and
// compiles what comes out.
func corpus(t *testing.T, dir, pattern string) {
	t.Helper()
	write(t, filepath.Join(dir, "corpus.go"), "package corpus\n")
	interfaces := interfacesOf(t, dir, pattern)
	if len(interfaces) == 0 {
		t.Fatalf("%s has no interfaces", pattern)
	}
	result, err := gen.Run(t.Context(), gen.Options{Dir: dir, Types: interfaces})
	var refused []string
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			if !strings.Contains(line, "no proxy for ") {
				t.Errorf("not a refusal: %s", line)
			}
			refused = append(refused, strings.TrimSpace(line))
		}
	}
	if result == nil {
		t.Fatal("nothing was generated")
	}
	if result.Proxies+len(refused) != len(interfaces) {
		t.Errorf("%d interfaces, but %d proxies and %d refusals", len(interfaces), result.Proxies, len(refused))
	}
	compiles(t, dir)
	if os.Getenv("CLAD_GEN_REFUSALS") != "" {
		t.Log(strings.Join(refused, "\n"))
	}
	t.Logf("%s: %d interfaces, %d methods, %d refused", pattern, len(interfaces), result.Methods, len(refused))
	for reason, n := range reasons(refused) {
		t.Logf("  %4d x %s", n, reason)
	}
}

// interfacesOf lists the exported interfaces of the packages that match, as -type
// names them. Generic ones are instantiated with the first arguments that fit.
func interfacesOf(t *testing.T, dir, pattern string) []string {
	t.Helper()
	pkgs, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports, Dir: dir, Context: t.Context()}, pattern)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	seen := map[*types.TypeName]bool{}
	for _, p := range pkgs {
		if p.IllTyped || p.Types == nil || p.Name == "main" || len(p.Errors) > 0 || hidden(p.PkgPath) {
			continue
		}
		scope := p.Types.Scope()
		for _, name := range scope.Names() {
			obj, ok := scope.Lookup(name).(*types.TypeName)
			if !ok || !obj.Exported() || !types.IsInterface(obj.Type()) {
				continue
			}
			if _, isParam := obj.Type().(*types.TypeParam); isParam {
				continue
			}
			named, ok := types.Unalias(obj.Type()).(*types.Named)
			if !ok || obj.IsAlias() && (!hidden(named.Obj().Pkg().Path()) || seen[named.Obj()] || named.TypeParams().Len() > 0) {
				continue // an alias of something listed where it is declared
			}
			seen[named.Obj()] = true
			if args, ok := argumentsFor(named); ok {
				names = append(names, p.PkgPath+"."+name+args)
			}
		}
	}
	slices.Sort(names)
	return names
}

func hidden(path string) bool {
	return slices.Contains(strings.Split(path, "/"), "internal") || slices.Contains(strings.Split(path, "/"), "vendor")
}

// argumentsFor instantiates a generic interface.
func argumentsFor(named *types.Named) (string, bool) {
	params := named.TypeParams()
	if params.Len() == 0 {
		return "", true
	}
	candidates := []types.Type{types.Typ[types.Int], types.Typ[types.String], types.Universe.Lookup("error").Type(), types.NewSlice(types.Typ[types.Int])}
	for _, c := range candidates {
		args := make([]types.Type, params.Len())
		text := make([]string, params.Len())
		for i := range args {
			args[i], text[i] = c, c.String()
		}
		if _, err := types.Instantiate(nil, named, args, true); err == nil {
			return "[" + strings.Join(text, ",") + "]", true
		}
	}
	return "", false
}

// reasons counts refusals that differ only in names.
func reasons(refused []string) map[string]int {
	count := map[string]int{}
	for _, line := range refused {
		_, reason, _ := strings.Cut(line, ": ")
		words := strings.Fields(reason)
		for i, w := range words {
			if i > 0 && (words[i-1] == "method" || words[i-1] == "package" || words[i-1] == "mentions") || strings.ContainsAny(w, "./") {
				words[i] = "..."
			}
		}
		count[strings.Join(words, " ")]++
	}
	return count
}

func clip(text string) string {
	if len(text) > 4000 {
		return text[:4000] + fmt.Sprintf("... (%d bytes more)", len(text)-4000)
	}
	return text
}
