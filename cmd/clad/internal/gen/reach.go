package gen

import (
	"go/parser"
	"go/token"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// reach tells which packages can have to do with tagging: those that import
// container, or a package that does and so may call Tag for them.
type reach struct {
	roots map[string]bool // by ID
	known map[*packages.Package]bool
}

func newReach(roots []*packages.Package) *reach {
	r := &reach{roots: map[string]bool{}, known: map[*packages.Package]bool{}}
	for _, p := range roots {
		r.roots[p.ID] = true
	}
	return r
}

// tags reports whether p has to be looked at for constructors given to Tag. A
// test variant of a package counts for its test files alone.
func (r *reach) tags(p *packages.Package) bool {
	if p.ForTest == "" {
		return r.reaches(p)
	}
	for _, name := range p.GoFiles {
		if strings.HasSuffix(name, "_test.go") && r.fileReaches(p, name) {
			return true
		}
	}
	return false
}

// helps reports whether p may call Tag on behalf of a package that imports it,
// and therefore has to be read from source too.
func (r *reach) helps(p *packages.Package) bool {
	return p.ForTest == "" && !ownPackage(p) && len(p.GoFiles) > 0 && r.reaches(p)
}

func (r *reach) reaches(p *packages.Package) bool {
	if known, ok := r.known[p]; ok {
		return known
	}
	r.known[p] = false // ends an import cycle, which only a broken program has
	found := false
	for path, imported := range p.Imports {
		if path == containerPath || r.passesOn(imported) {
			found = true
		}
	}
	r.known[p] = found
	return found
}

func (r *reach) fileReaches(p *packages.Package, name string) bool {
	file, _ := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if file == nil {
		return true // broken: the full load will say how
	}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if imported := p.Imports[path]; path == containerPath || imported != nil && r.passesOn(imported) {
			return true
		}
	}
	return false
}

// passesOn: every user of clad imports package module, which imports container
// and tags for nobody.
func (r *reach) passesOn(p *packages.Package) bool {
	return (r.roots[p.ID] || !ownPackage(p)) && r.reaches(p)
}

func ownPackage(p *packages.Package) bool {
	return p.PkgPath == cladModule || strings.HasPrefix(p.PkgPath, cladModule+"/")
}
