package gen

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"go/types"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/tools/go/packages"
)

// kept is the file of a store.
type kept struct {
	Shape   string // of the source when these were the answers
	Answers []answer
}

// readKept reads the file of a store, nil if that can't be done.
func readKept(name string) *kept {
	file, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	packed, err := gzip.NewReader(file)
	if err != nil {
		return nil
	}
	k := &kept{}
	if json.NewDecoder(packed).Decode(k) != nil {
		return nil
	}
	return k
}

func (k *kept) write(name string) error {
	var file bytes.Buffer
	packed, err := gzip.NewWriterLevel(&file, gzip.BestSpeed) // of many packages there is much to say, again and again
	if err != nil {
		return err
	}
	if err := errors.Join(json.NewEncoder(packed).Encode(k), packed.Close()); err != nil {
		return err
	}
	return replace(name, file.String())
}

// An answer is a listing in a form that can be kept.
type answer struct {
	Query    query
	Arch     string // that has the sizes of types
	Roots    []string
	Modules  []*packages.Module
	Packages []keptPackage // imports before their importers
}

// A keptPackage is what is used of a packages.Package.
type keptPackage struct {
	ID       string
	Path     string `json:",omitempty"` // "" is the ID
	Name     string
	Dir      string
	ForTest  string            `json:",omitempty"`
	Module   int               `json:",omitempty"` // of Modules, from 1
	Files    []string          `json:",omitempty"` // in Dir, but for absolute ones
	Compiled []string          // null is Files
	Export   string            `json:",omitempty"`
	Imports  []string          `json:",omitempty"` // IDs
	Mapped   map[string]string `json:",omitempty"` // import paths that are no IDs -> IDs
	Sum      string            `json:",omitempty"` // of the source, where that may change
}

// answer makes an answer of a listing, unless anything is wrong with that.
func (s *store) answer(q query, found *listing) (answer, bool) {
	a := answer{Query: q, Arch: archOf(found.sizes)}
	modules := map[string]int{}
	wrong := false
	for _, p := range found.roots {
		a.Roots = append(a.Roots, p.ID)
	}
	packages.Visit(found.roots, nil, func(p *packages.Package) {
		wrong = wrong || !s.harmless(q, p)
		k := keptPackage{ID: p.ID, Name: p.Name, Dir: p.Dir, ForTest: p.ForTest, Files: within(p.Dir, p.GoFiles), Export: p.ExportFile}
		if p.PkgPath != p.ID {
			k.Path = p.PkgPath
		}
		if !slices.Equal(p.CompiledGoFiles, p.GoFiles) {
			k.Compiled = within(p.Dir, p.CompiledGoFiles)
		}
		if p.Module != nil {
			if modules[p.Module.Path] == 0 {
				a.Modules = append(a.Modules, p.Module)
				modules[p.Module.Path] = len(a.Modules)
			}
			k.Module = modules[p.Module.Path]
		}
		for path, imported := range p.Imports {
			if path == imported.ID {
				k.Imports = append(k.Imports, path)
				continue
			}
			if k.Mapped == nil {
				k.Mapped = map[string]string{}
			}
			k.Mapped[path] = imported.ID
		}
		if q.Exports && s.mayChange(p) {
			k.Sum = s.sumOf(p)
		}
		a.Packages = append(a.Packages, k)
	})
	return a, !wrong
}

// harmless reports whether nothing is wrong with a package, but perhaps that it can't
// be compiled as it is, which its source tells anew.
func (s *store) harmless(q query, p *packages.Package) bool {
	return len(p.Errors) == 0 || q.Exports && s.mayChange(p) &&
		!slices.ContainsFunc(p.Errors, func(e packages.Error) bool { return e.Kind == packages.ParseError })
}

// listing is the listing that a was made of.
func (a *answer) listing(s *store) *listing {
	found := &listing{changed: map[string]bool{}}
	if a.Arch != "" {
		found.sizes = types.SizesFor("gc", a.Arch)
	}
	byID := make(map[string]*packages.Package, len(a.Packages))
	for _, k := range a.Packages {
		p := &packages.Package{ID: k.ID, PkgPath: cmp.Or(k.Path, k.ID), Name: k.Name, Dir: k.Dir, ForTest: k.ForTest,
			GoFiles: files(k.Dir, k.Files), ExportFile: k.Export, Imports: make(map[string]*packages.Package, len(k.Imports)+len(k.Mapped))}
		if a.Query.Exports {
			p.CompiledGoFiles = p.GoFiles
			if k.Compiled != nil {
				p.CompiledGoFiles = files(k.Dir, k.Compiled)
			}
		}
		if k.Module > 0 {
			p.Module = a.Modules[k.Module-1]
		}
		for _, id := range k.Imports {
			p.Imports[id] = byID[id]
		}
		for path, id := range k.Mapped {
			p.Imports[path] = byID[id]
		}
		if k.Sum != "" && k.Sum != s.sumOf(p) {
			found.changed[k.ID] = true
		}
		byID[k.ID] = p
	}
	for _, id := range a.Roots {
		found.roots = append(found.roots, byID[id])
	}
	return found
}

// compiled reports whether all export data is still in the go command's cache.
func (a *answer) compiled() bool {
	return !slices.ContainsFunc(a.Packages, func(k keptPackage) bool {
		if k.Export == "" {
			return false
		}
		_, err := os.Stat(k.Export)
		return err != nil
	})
}

// archOf is an architecture on which types have such sizes: they differ in nothing
// but the size and the alignment of words.
func archOf(sizes types.Sizes) string {
	switch {
	case sizes == nil:
		return ""
	case sizes.Sizeof(types.Typ[types.Uintptr]) == 8:
		return "amd64"
	case sizes.Alignof(types.Typ[types.Int64]) == 8:
		return "amd64p32"
	}
	return "386"
}

// within shortens the names of files in dir.
func within(dir string, names []string) []string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = name
		if filepath.Dir(name) == dir {
			short[i] = filepath.Base(name)
		}
	}
	return short
}

// files undoes within.
func files(dir string, short []string) []string {
	names := make([]string, len(short))
	for i, name := range short {
		names[i] = name
		if !filepath.IsAbs(name) {
			names[i] = filepath.Join(dir, name)
		}
	}
	return names
}
