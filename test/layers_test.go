package test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

// A layer is one kind of protection. It is there when it is everywhere: a policy
// that no profile can write, or that explain does not know, is half a layer.
// CONTRIBUTING.md says step by step what makes a whole one.
func TestLayersAreWhole(t *testing.T) {
	for _, f := range findIncompleteLayers(t, os.DirFS("..")) {
		t.Errorf("%s (see CONTRIBUTING.md, A new layer, step by step)", f)
	}
}

// findIncompleteLayers reports what the layers of package policy lack elsewhere.
func findIncompleteLayers(t *testing.T, root fs.FS) (found []finding) {
	t.Helper()
	layers := policyLayers(t, root)
	compiled := casesOf(t, root, "container/program.go")
	explained := casesOf(t, root, "cmd/clad/internal/explain/analysis.go")
	settings := policySchema(t, root)
	shown := shownLayers(t, root)
	policies, profiles := string(readFile(t, root, "docs/policies.md")), string(readFile(t, root, "docs/profiles.md"))
	guide := string(readFile(t, root, "CONTRIBUTING.md"))

	lacks := func(file, format string, args ...any) {
		found = append(found, finding{file, 1, fmt.Sprintf(format, args...)})
	}
	for _, layer := range layers {
		key := snakeCase(layer)
		title := strings.ReplaceAll(key, "_", " ")
		if !compiled[layer] {
			lacks("container/program.go", "compile has no case policy.%s", layer)
		}
		if settings[key] == nil {
			lacks("config/layers.go", "policies of profiles have no setting %s: the schema does not know it", key)
		}
		if shown[layer] == nil {
			lacks("configs/production.yaml", "no policy shows a policy.%s, so nothing proves that config makes one", layer)
		}
		for _, field := range fieldsOf(shown[layer]) {
			if settings[key] != nil && !slices.Contains(settings[key], field) {
				lacks("config/layers.go", "%s has no setting %s, as policy.%s has a field", key, field, layer)
			}
		}
		if !explained[layer] {
			lacks("cmd/clad/internal/explain/analysis.go", "Analyze has no case policy.%s: say what it adds to the worst case, if only nothing", layer)
		}
		if !regexp.MustCompile(`(?mi)^## ` + title + `$`).MatchString(policies) {
			lacks("docs/policies.md", "there is no section ## %s", title)
		}
		if !strings.Contains(profiles, "\n| `"+key+"` |") {
			lacks("docs/profiles.md", "the settings of policies lack %s", key)
		}
	}
	for _, file := range []string{
		"policy/", "container/program.go", "config/layers.go", "configs/production.yaml", "configs/profile.schema.json",
		"cmd/clad/internal/explain/analysis.go", "docs/policies.md", "docs/profiles.md", "CHANGELOG.md",
	} {
		if !strings.Contains(guide, "`"+file) {
			lacks("CONTRIBUTING.md", "a new layer, step by step: it does not name %s", file)
		}
	}
	return found
}

// policyLayers lists the exported types of package policy that are layers: those
// that add themselves to a list of layers. None adds nothing.
func policyLayers(t *testing.T, root fs.FS) []string {
	t.Helper()
	var layers []string
	files, err := fs.Glob(root, "policy/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		for _, d := range parsed(t, root, name).Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "layers" {
				continue
			}
			receiver, ok := fn.Recv.List[0].Type.(*ast.Ident)
			if ok && receiver.IsExported() && receiver.Name != "None" {
				layers = append(layers, receiver.Name)
			}
		}
	}
	if len(layers) < 5 {
		t.Fatalf("%d layers in policy; is this still how they are found?", len(layers))
	}
	slices.Sort(layers)
	return layers
}

// casesOf lists the types of package policy for which a file has a case.
func casesOf(t *testing.T, root fs.FS, name string) map[string]bool {
	t.Helper()
	cases := map[string]bool{}
	ast.Inspect(parsed(t, root, name), func(n ast.Node) bool {
		clause, ok := n.(*ast.CaseClause)
		if !ok {
			return true
		}
		for _, e := range clause.List {
			if s, ok := e.(*ast.SelectorExpr); ok && isName(s.X, "policy") {
				cases[s.Sel.Name] = true
			}
		}
		return true
	})
	return cases
}

// schema is as much of a JSON Schema as tells which settings there are.
type schema struct {
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
	AnyOf                []*schema          `json:"anyOf"`
}

// settings are those of an object, which may be one of several ways to write it.
func (s *schema) settings() map[string]*schema {
	all := map[string]*schema{}
	for _, way := range append(s.AnyOf, s) {
		maps.Copy(all, way.Properties)
	}
	return all
}

// policySchema lists what a policy may have in a profile, and the settings of
// each.
func policySchema(t *testing.T, root fs.FS) map[string][]string {
	t.Helper()
	var profile, one schema
	if err := json.Unmarshal(readFile(t, root, "configs/profile.schema.json"), &profile); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(profile.Properties["policies"].AdditionalProperties, &one); err != nil {
		t.Fatal(err)
	}
	settings := map[string][]string{}
	for key, s := range one.settings() {
		settings[key] = append([]string{}, slices.Collect(maps.Keys(s.settings()))...)
	}
	return settings
}

// fieldsOf lists the fields of a layer as profiles have them. Functions are for
// code alone.
func fieldsOf(layer policy.Policy) []string {
	var fields []string
	t := reflect.TypeOf(layer)
	if layer == nil || t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		if t.Field(i).Type.Kind() != reflect.Func {
			fields = append(fields, snakeCase(t.Field(i).Name))
		}
	}
	return fields
}

// shownLayers lists the layers that the reference profile becomes, by their types.
func shownLayers(t *testing.T, root fs.FS) map[string]policy.Policy {
	t.Helper()
	dir, err := fs.Sub(root, "configs")
	if err != nil {
		t.Fatal(err)
	}
	profile, err := config.Load(dir, "production", nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]policy.Policy{}
	for _, p := range profile.Catalog().Policies {
		for _, layer := range policy.Layers(p) {
			shown[reflect.TypeOf(layer).Name()] = layer
		}
	}
	return shown
}

// A layer that is nowhere but in package policy is found wanting everywhere else.
func TestHalfALayerIsFound(t *testing.T) {
	root := overlay{os.DirFS(".."), "policy/halflayer.go", "package policy\n\ntype HalfLayer struct{}\n\nfunc (h HalfLayer) layers(dst []Policy) []Policy { return append(dst, h) }\n"}
	var files []string
	for _, f := range findIncompleteLayers(t, root) {
		files = append(files, f.file)
		if !strings.Contains(f.text, "HalfLayer") && !strings.Contains(f.text, "half_layer") && !strings.Contains(f.text, "half layer") {
			t.Errorf("%v does not say of what", f)
		}
	}
	want := []string{
		"container/program.go", "config/layers.go", "configs/production.yaml",
		"cmd/clad/internal/explain/analysis.go", "docs/policies.md", "docs/profiles.md",
	}
	if !slices.Equal(files, want) {
		t.Errorf("found wanting: %q, want %q", files, want)
	}
}

// overlay is a file system with one file more.
type overlay struct {
	fs.FS
	name, text string
}

func (o overlay) Open(name string) (fs.File, error) {
	if name != o.name {
		return o.FS.Open(name)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid} // it is read by ReadFile
}

func (o overlay) ReadFile(name string) ([]byte, error) {
	if name == o.name {
		return []byte(o.text), nil
	}
	return fs.ReadFile(o.FS, name)
}

func (o overlay) Glob(pattern string) ([]string, error) {
	names, err := fs.Glob(o.FS, pattern)
	if ok, _ := path.Match(pattern, o.name); ok {
		names = append(names, o.name)
	}
	return names, err
}

func parsed(t *testing.T, root fs.FS, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, readFile(t, root, name), parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

var capital = regexp.MustCompile(`([a-z])([A-Z])`)

func snakeCase(name string) string {
	return strings.ToLower(capital.ReplaceAllString(name, "${1}_$2"))
}
