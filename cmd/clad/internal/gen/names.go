package gen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scope hands out identifiers that differ from one another.
type scope struct {
	outer *scope
	taken map[string]bool
}

func newScope(outer *scope, names ...string) *scope {
	s := &scope{outer: outer, taken: map[string]bool{}}
	for _, name := range names {
		s.taken[name] = true
	}
	return s
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if s.taken[name] {
			return true
		}
	}
	return false
}

// name takes want, or want with a number.
func (s *scope) name(want string) string {
	if token.IsKeyword(want) || want == "" || want == "_" {
		want += "_"
	}
	name := want
	for i := 2; name == "_" || s.has(name); i++ {
		name = fmt.Sprintf("%s%d", want, i)
	}
	s.taken[name] = true
	return name
}

// imports gives each package of a file a name.
type imports struct {
	names map[string]string // by path
	used  map[string]*types.Package
}

// nameImports names the packages in needs. Names that the code inside methods
// uses, and those declared by the package, are avoided.
func nameImports(needs map[string]*types.Package, file *scope) *imports {
	i := &imports{names: map[string]string{}, used: needs}
	paths := make([]string, 0, len(needs))
	for path := range needs {
		paths = append(paths, path)
	}
	sort.Slice(paths, func(a, b int) bool { // ours and the shortest keep their names
		if ours := paths[a] == containerPath; ours != (paths[b] == containerPath) {
			return ours
		}
		if len(paths[a]) != len(paths[b]) {
			return len(paths[a]) < len(paths[b])
		}
		return paths[a] < paths[b]
	})
	for _, path := range paths {
		i.names[path] = file.name(needs[path].Name())
	}
	return i
}

// block writes the import declaration: the standard library first.
func (i *imports) block() string {
	var std, others []string
	for p, pkg := range i.used {
		line := fmt.Sprintf("\t%q\n", p)
		if name := i.names[p]; name != path.Base(p) || name != pkg.Name() {
			line = fmt.Sprintf("\t%s %q\n", name, p)
		}
		if strings.Contains(strings.SplitN(p, "/", 2)[0], ".") {
			others = append(others, line)
		} else {
			std = append(std, line)
		}
	}
	byPath := func(a, b string) int {
		return strings.Compare(a[strings.IndexByte(a, '"'):], b[strings.IndexByte(b, '"'):])
	}
	slices.SortFunc(std, byPath)
	slices.SortFunc(others, byPath)
	gap := ""
	if len(std) > 0 && len(others) > 0 {
		gap = "\n"
	}
	return "import (\n" + strings.Join(std, "") + gap + strings.Join(others, "") + ")\n"
}

// declaredIn lists what the package of a folder declares at its top level, in
// whatever build: also in its tests and in files that build tags leave out.
func declaredIn(dir, pkgName string, skip func(name string) bool) map[string]bool {
	taken := map[string]bool{}
	names, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, name := range names {
		file, _ := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if file == nil || file.Name == nil || file.Name.Name != pkgName || skip(name) {
			continue
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					taken[d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						taken[s.Name.Name] = true
					case *ast.ValueSpec:
						for _, name := range s.Names {
							taken[name.Name] = true
						}
					}
				}
			}
		}
	}
	delete(taken, "_")
	delete(taken, "init")
	return taken
}

// lowerFirst makes an exported name unexported: Gateway -> gateway, ID -> id,
// HTTPClient -> httpClient.
func lowerFirst(name string) string {
	runes := []rune(name)
	for i := range runes {
		if !unicode.IsUpper(runes[i]) || i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1]) {
			break
		}
		runes[i] = unicode.ToLower(runes[i])
	}
	return string(runes)
}

func upperFirst(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[n:]
}
