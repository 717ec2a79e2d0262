package gen

import (
	"bytes"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// asserting loads the packages that may assert one of the wanted interfaces: those
// of the module, and of the modules that declare one, which may do it by way of an
// interface of their own; and of what the module requires itself, those that know
// one.
func (l *loader) asserting(b *build, wants []want) []*packages.Package {
	declaring := map[string]bool{}
	for _, w := range wants {
		declaringPackages(w.typ, declaring)
		declaring[w.home.pkg.PkgPath] = true
	}
	pkgs := slices.DeleteFunc(slices.Clone(b.pkgs), func(p *packages.Package) bool { return p.TypesInfo == nil })
	had := map[string]bool{}
	for _, p := range pkgs {
		had[p.PkgPath] = true
	}
	depends, all := dependents(declaring), l.wholeModules(b, wants)
	modules := map[string]bool{}
	for path := range declaring {
		if p := all[path]; p != nil && p.Module != nil {
			modules[p.Module.Path] = true
		}
	}
	var paths []string
	for path, p := range all {
		knows := declaring[path] // also in the standard library
		if p.Module != nil {
			knows = p.Module.Main || modules[p.Module.Path] || !p.Module.Indirect && depends(p)
		}
		if knows && !had[path] && !partOfClad(path) && l.mayAssert(p) {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return pkgs
	}
	slices.Sort(paths)
	loaded, err := l.list(query{Flags: l.flags, Exports: true, Patterns: paths})
	if err == nil {
		err = l.check(b.fset, loaded)
	}
	if err != nil {
		return pkgs // what is wrong there is said by who compiles it
	}
	return append(pkgs, slices.DeleteFunc(loaded.roots, func(p *packages.Package) bool { return p.TypesInfo == nil })...)
}

// declaringPackages notes where an interface, and those that it embeds, are
// declared. Everybody depends on the standard library's, so only who declares the
// interface itself counts there.
func declaringPackages(t types.Type, into map[string]bool) {
	seen := map[types.Type]bool{}
	var note func(t types.Type, embedded bool)
	note = func(t types.Type, embedded bool) {
		if seen[t] {
			return
		}
		seen[t] = true
		if pkg := packageOf(types.Unalias(t)); pkg != nil && (!embedded || strings.Contains(pkg.Path(), ".")) {
			into[pkg.Path()] = true
		}
		if iface, ok := t.Underlying().(*types.Interface); ok {
			for e := range iface.EmbeddedTypes() {
				note(e, true)
			}
		}
	}
	note(t, false)
}

// dependents reports which packages are, or depend on, some that are named.
func dependents(on map[string]bool) func(*packages.Package) bool {
	known := map[*packages.Package]bool{}
	var depends func(p *packages.Package) bool
	depends = func(p *packages.Package) bool {
		if found, ok := known[p]; ok {
			return found
		}
		known[p] = false
		found := on[p.PkgPath]
		for _, imported := range p.Imports {
			found = depends(imported) || found
		}
		known[p] = found
		return found
	}
	return depends
}

// partOfClad: what clad asserts, it asserts of proxies on purpose.
func partOfClad(path string) bool {
	for _, dir := range []string{"/container", "/module", "/policy", "/config", "/internal"} {
		if path == cladModule+dir || strings.HasPrefix(path, cladModule+dir+"/") {
			return true
		}
	}
	return false
}

// wholeModules lists, by path, every package of the modules that want proxies, and
// what these import: the result must not depend on the patterns of the run.
func (l *loader) wholeModules(b *build, wants []want) map[string]*packages.Package {
	found := map[string]*packages.Package{}
	add := func(p *packages.Package) {
		if p.ForTest == "" && !strings.HasSuffix(p.ID, ".test") {
			found[p.PkgPath] = p
		}
	}
	for _, p := range b.listed {
		add(p)
	}
	modules := map[string]*packages.Module{}
	for _, w := range wants {
		if m := w.home.pkg.Module; m != nil && m.Path != "" {
			modules[m.Path+"/..."] = m
		}
	}
	if listsAll(found, modules) {
		return found
	}
	if all, err := l.list(query{Flags: l.flags, Patterns: slices.Sorted(maps.Keys(modules))}); err == nil {
		packages.Visit(all.roots, nil, add)
	}
	return found
}

// listsAll reports whether every package of these modules has been listed already: by
// the run's own patterns, or for what they import.
func listsAll(listed map[string]*packages.Package, modules map[string]*packages.Module) bool {
	dirs := map[string]bool{}
	for _, p := range listed {
		dirs[p.Dir] = true
	}
	for _, m := range modules {
		if !hasAll(dirs, m.Dir) {
			return false
		}
	}
	return true
}

// hasAll reports whether the folders of a module in which there may be packages are
// all among dirs.
func hasAll(dirs map[string]bool, root string) bool {
	missing, seen := false, false
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if !d.IsDir() {
			if filepath.Ext(name) != ".go" || isTestFile(name) {
				return nil
			}
			seen = true
			if missing = !dirs[filepath.Dir(path)]; missing {
				return fs.SkipAll
			}
			return nil
		}
		if path == root {
			return nil
		}
		if name == "vendor" || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
			return fs.SkipDir // another module
		}
		return nil
	})
	return err == nil && seen && !missing
}

// mayAssert looks for the text of an assertion in the files of a package.
func (l *loader) mayAssert(p *packages.Package) bool {
	for _, name := range p.GoFiles {
		src, err := os.ReadFile(name)
		if err == nil && !l.generated(name, src) && (bytes.Contains(src, []byte(".(")) || bytes.Contains(src, []byte("As"))) {
			return true
		}
	}
	return false
}
