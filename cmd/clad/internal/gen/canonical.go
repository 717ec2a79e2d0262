package gen

import (
	"fmt"
	"go/types"
	"strings"
)

// canonical writes a type so that two are the same if their texts are, also where
// they were read by different loads and are not identical to package types: with
// full paths, and without the names of parameters.
func canonical(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		var b strings.Builder
		if pkg := t.Obj().Pkg(); pkg != nil {
			b.WriteString(pkg.Path() + ".")
		}
		b.WriteString(t.Obj().Name())
		for i := range t.TypeArgs().Len() {
			b.WriteString("[" + canonical(t.TypeArgs().At(i)) + "]")
		}
		return b.String()
	case *types.Pointer:
		return "*" + canonical(t.Elem())
	case *types.Slice:
		return "[]" + canonical(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), canonical(t.Elem()))
	case *types.Map:
		return "map[" + canonical(t.Key()) + "]" + canonical(t.Elem())
	case *types.Chan:
		return fmt.Sprintf("chan%d(%s)", t.Dir(), canonical(t.Elem()))
	case *types.Signature:
		return canonicalTuple(t.Params(), t.Variadic()) + canonicalTuple(t.Results(), false)
	case *types.Struct:
		var b strings.Builder
		for i := range t.NumFields() {
			f := t.Field(i)
			fmt.Fprintf(&b, "%s %v %s %q;", f.Id(), f.Embedded(), canonical(f.Type()), t.Tag(i))
		}
		return "struct{" + b.String() + "}"
	case *types.Interface:
		var b strings.Builder
		for m := range t.Methods() {
			b.WriteString(canonicalMethod(m) + ";")
		}
		return "interface{" + b.String() + "}"
	default:
		return types.TypeString(t, (*types.Package).Path)
	}
}

func canonicalTuple(t *types.Tuple, variadic bool) string {
	var parts []string
	for v := range t.Variables() {
		parts = append(parts, canonical(v.Type()))
	}
	text := "(" + strings.Join(parts, ",") + ")"
	if variadic {
		text = "..." + text
	}
	return text
}

func canonicalMethod(m *types.Func) string { return m.Id() + canonical(m.Signature()) }

// A methodSet is the methods of a type, by their ids.
type methodSet map[string]string

func methodSetOf(t types.Type) methodSet {
	s := methodSet{}
	if iface, ok := t.Underlying().(*types.Interface); ok {
		for m := range iface.Methods() {
			s[m.Id()] = canonicalMethod(m)
		}
		return s
	}
	for sel := range types.NewMethodSet(t).Methods() {
		if m, ok := sel.Obj().(*types.Func); ok {
			s[m.Id()] = canonicalMethod(m)
		}
	}
	return s
}

// includes reports whether s has all of the methods of other.
func (s methodSet) includes(other methodSet) bool {
	for id, m := range other {
		if s[id] != m {
			return false
		}
	}
	return true
}

// conflicts reports whether the two have a method of one name that differs, so
// that no value has both.
func (s methodSet) conflicts(other methodSet) bool {
	for id, m := range other {
		if own, ok := s[id]; ok && own != m {
			return true
		}
	}
	return false
}
