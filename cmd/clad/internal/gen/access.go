package gen

import (
	"cmp"
	"fmt"
	"go/types"
	"path"
	"slices"
	"strings"
)

// A refusal is why there can be no proxy for an interface.
type refusal string

const isConstraint refusal = "it is a constraint for type parameters: no value has this type"

// A viewpoint is a package that proxies are generated into: it tells what can be
// named from there.
type viewpoint struct {
	path     string          // of the package itself
	importer string          // whose rights to import it has: the package under test, for external tests
	taken    map[string]bool // declared at package level, in any file
	needs    map[string]*types.Package
	imports  []*types.Package // of the package, where aliases may be found
	from     *types.Package   // where the interface at hand is declared
}

// checkInterface returns why typ can't be implemented here, or "". On the way it
// notes the packages that a proxy of it mentions.
func (v *viewpoint) checkInterface(typ types.Type) refusal {
	iface := typ.Underlying().(*types.Interface)
	switch {
	case isError(typ):
		return "an error is a result, not a dependency"
	case !iface.IsMethodSet():
		return isConstraint
	case iface.NumMethods() == 0:
		return "it has no methods, so there is nothing to guard"
	}
	for m := range iface.Methods() {
		if !m.Exported() && !v.own(m.Pkg()) {
			return refusal(fmt.Sprintf("its method %s is unexported, so that only package %s can implement it", m.Name(), m.Pkg().Path()))
		}
		if why := v.check(m.Signature()); why != "" {
			return refusal(fmt.Sprintf("its method %s mentions %s", m.Name(), why))
		}
	}
	return ""
}

// own reports whether code here is in package p itself.
func (v *viewpoint) own(p *types.Package) bool { return p.Path() == v.path }

// check returns what in t can't be written here and why, or "".
func (v *viewpoint) check(t types.Type) string {
	switch t := t.(type) {
	case *types.Basic:
		return v.checkBasic(t)
	case *types.TypeParam:
		return ""
	case *types.Alias, *types.Named:
		name, why := v.name(t)
		if why != "" {
			return why
		}
		if name == nil { // an alias that can't be named, of a type that can
			return v.check(types.Unalias(t))
		}
		if pkg := name.Pkg(); pkg != nil && !v.own(pkg) {
			v.needs[pkg.Path()] = pkg
		}
		return v.checkList(typeArgs(t))
	case *types.Map:
		return firstReason(v.check(t.Key()), v.check(t.Elem()))
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		return v.check(t.Elem())
	case *types.Signature:
		return firstReason(v.check(t.Params()), v.check(t.Results()))
	case *types.Tuple:
		for param := range t.Variables() {
			if why := v.check(param.Type()); why != "" {
				return why
			}
		}
	case *types.Struct:
		for field := range t.Fields() {
			if !field.Exported() && !v.own(field.Pkg()) {
				return fmt.Sprintf("a struct with the unexported field %s of package %s", field.Name(), field.Pkg().Path())
			}
			if why := v.check(field.Type()); why != "" {
				return why
			}
		}
	case *types.Interface:
		return v.checkLiteral(t)
	case *types.Union:
		for term := range t.Terms() {
			if why := v.check(term.Type()); why != "" {
				return why
			}
		}
	}
	return ""
}

func (v *viewpoint) checkBasic(t *types.Basic) string {
	switch {
	case t.Kind() == types.Invalid:
		return "a type that has errors"
	case t.Kind() == types.UnsafePointer:
		v.needs["unsafe"] = types.Unsafe
		return ""
	}
	return v.checkPredeclared(t.Name())
}

func (v *viewpoint) checkPredeclared(name string) string {
	if v.taken[name] {
		return fmt.Sprintf("the predeclared type %s, which this package declares as something else", name)
	}
	return ""
}

func (v *viewpoint) checkLiteral(t *types.Interface) string {
	for m := range t.ExplicitMethods() {
		if !m.Exported() && !v.own(m.Pkg()) {
			return fmt.Sprintf("an interface with the unexported method %s of package %s", m.Name(), m.Pkg().Path())
		}
		if why := v.check(m.Signature()); why != "" {
			return why
		}
	}
	for e := range t.EmbeddedTypes() {
		if why := v.check(e); why != "" {
			return why
		}
	}
	return ""
}

func (v *viewpoint) checkList(list *types.TypeList) string {
	for t := range list.Types() {
		if why := v.check(t); why != "" {
			return why
		}
	}
	return ""
}

// name returns the object by which t can be named here: its own, or an exported
// alias of it elsewhere; nil for an alias that must be looked through; or why
// there is none.
func (v *viewpoint) name(t types.Type) (*types.TypeName, string) {
	obj := t.(interface{ Obj() *types.TypeName }).Obj()
	why := v.nameable(obj)
	if why == "" {
		return obj, ""
	}
	if _, ok := t.(*types.Alias); ok {
		return nil, ""
	}
	if alias := v.alias(t); alias != nil {
		return alias, ""
	}
	return nil, why
}

// alias finds an exported alias of a type that can't be named itself, where its
// users would: in the package of the interface, in those that it imports, and in
// those that the package here imports.
func (v *viewpoint) alias(t types.Type) *types.TypeName {
	if typeArgs(t).Len() > 0 {
		return nil
	}
	var places []*types.Package
	if v.from != nil {
		places = append(append(places, v.from), byPath(v.from.Imports())...)
	}
	for _, pkg := range append(places, byPath(v.imports)...) {
		for _, name := range pkg.Scope().Names() {
			obj, ok := pkg.Scope().Lookup(name).(*types.TypeName)
			if ok && obj.IsAlias() && types.Identical(obj.Type(), t) && v.nameable(obj) == "" {
				return obj
			}
		}
	}
	return nil
}

func byPath(pkgs []*types.Package) []*types.Package {
	return slices.SortedFunc(slices.Values(pkgs), func(a, b *types.Package) int { return cmp.Compare(a.Path(), b.Path()) })
}

// nameable returns why obj can't be named here, or "".
func (v *viewpoint) nameable(obj *types.TypeName) string {
	pkg := obj.Pkg()
	if pkg == nil { // predeclared
		return v.checkPredeclared(obj.Name())
	}
	full := pkg.Path() + "." + obj.Name()
	switch {
	case obj.Parent() != nil && obj.Parent() != pkg.Scope():
		return full + ", which is declared inside a function"
	case strings.HasPrefix(obj.Name(), "_C"):
		return obj.Name() + ", a type of cgo"
	case v.own(pkg):
		return ""
	case !obj.Exported():
		return full + ", which is unexported"
	case pkg.Name() == "main":
		return full + ", but package main can't be imported"
	case !importable(v.importer, pkg.Path()):
		return full + ", which package " + v.importer + " may not import"
	}
	return ""
}

// importable applies the rules for internal and vendored packages.
func importable(importer, imported string) bool {
	if strings.HasPrefix(imported, "vendor/") || strings.Contains(imported, "/vendor/") {
		return false
	}
	parent, found := "", false
	for dir := imported; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if path.Base(dir) == "internal" {
			parent, found = path.Dir(dir), true
			break
		}
	}
	if !found {
		return true
	}
	return parent != "." && (importer == parent || strings.HasPrefix(importer, parent+"/"))
}

func typeArgs(t types.Type) *types.TypeList {
	return t.(interface{ TypeArgs() *types.TypeList }).TypeArgs()
}

func firstReason(reasons ...string) string {
	for _, why := range reasons {
		if why != "" {
			return why
		}
	}
	return ""
}
