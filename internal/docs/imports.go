package docs

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// importPaths maps a package's name to the path that a fragment means by it.
type importPaths map[string]string

// preferred settles the names that several packages of the standard library share.
var preferred = importPaths{"rand": "math/rand/v2", "template": "text/template"}

// newImportPaths takes lines of "name path". The project's packages come before
// those of the standard library, shorter paths before longer ones.
func newImportPaths(list, module string) importPaths {
	paths := importPaths{}
	rank := func(importPath string) int {
		if importPath == module || strings.HasPrefix(importPath, module+"/") {
			return -1
		}
		return strings.Count(importPath, "/")
	}
	for line := range strings.Lines(list) {
		name, importPath, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "main" || slices.Contains(strings.Split(importPath, "/"), "internal") {
			continue
		}
		if known, ok := paths[name]; !ok || cmp.Or(cmp.Compare(rank(importPath), rank(known)), cmp.Compare(importPath, known)) < 0 {
			paths[name] = importPath
		}
	}
	maps.Copy(paths, preferred)
	return paths
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// missing returns the paths of the packages that the source uses and does not import.
func (paths importPaths) missing(source string) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	if err != nil {
		return nil // reported when the file was composed
	}
	imported := map[string]bool{}
	for _, spec := range file.Imports {
		importPath, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(importPath)
		if majorVersion.MatchString(name) {
			name = path.Base(path.Dir(importPath))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = true
	}
	unresolved := map[*ast.Ident]bool{}
	for _, id := range file.Unresolved {
		unresolved[id] = true
	}
	missing := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok && unresolved[id] && !imported[id.Name] && paths[id.Name] != "" {
				missing[paths[id.Name]] = true
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(missing))
}
