package gen

import (
	"go/types"
)

func isNamed(t types.Type, fullName string) bool {
	if t == nil {
		return false
	}
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path()+"."+named.Obj().Name() == fullName
}

func isError(t types.Type) bool { return types.Identical(t, errorType) }

func isContext(t types.Type) bool { return isNamed(t, "context.Context") }

// isOut reports whether dig takes t for a struct of results: one that embeds
// dig.Out, at any depth.
func isOut(t types.Type) bool {
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for field := range s.Fields() {
		if field.Embedded() && (isNamed(field.Type(), "go.uber.org/dig.Out") || isOut(field.Type())) {
			return true
		}
	}
	return false
}

// wrapsWithoutProxy reports whether the container wraps values of type t by
// itself: functions that can be guarded, and structs of functions with one of
// them.
func wrapsWithoutProxy(t types.Type) bool {
	t = types.Unalias(t)
	if ptr, ok := t.(*types.Pointer); ok {
		if _, ok := ptr.Elem().Underlying().(*types.Struct); !ok {
			return false
		}
		t = ptr.Elem()
	}
	switch u := t.Underlying().(type) {
	case *types.Signature:
		return isGuardable(u)
	case *types.Struct:
		found := false
		for field := range u.Fields() {
			sig, ok := field.Type().Underlying().(*types.Signature)
			if !ok || !field.Exported() {
				return false
			}
			found = found || isGuardable(sig)
		}
		return found
	}
	return false
}

// isGuardable reports whether functions of type sig can be guarded: they take a
// context first and return an error last.
func isGuardable(sig *types.Signature) bool {
	params, results := sig.Params(), sig.Results()
	return params.Len() > 0 && isContext(params.At(0).Type()) &&
		results.Len() > 0 && isError(results.At(results.Len()-1).Type())
}

// hasTypeParam reports whether t mentions a type parameter.
func hasTypeParam(t types.Type, seen map[types.Type]bool) bool {
	if seen == nil {
		seen = map[types.Type]bool{}
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	has := func(t types.Type) bool { return hasTypeParam(t, seen) }
	switch t := t.(type) {
	case *types.TypeParam:
		return true
	case *types.Alias:
		return hasAny(t.TypeArgs(), has) || has(types.Unalias(t))
	case *types.Named:
		return hasAny(t.TypeArgs(), has)
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels, maps
		if m, ok := t.(*types.Map); ok && has(m.Key()) {
			return true
		}
		return has(t.Elem())
	case *types.Signature:
		return has(t.Params()) || has(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			if has(v.Type()) {
				return true
			}
		}
	case *types.Struct:
		for field := range t.Fields() {
			if has(field.Type()) {
				return true
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			if has(m.Signature()) {
				return true
			}
		}
	}
	return false
}

func hasAny(list *types.TypeList, has func(types.Type) bool) bool {
	for t := range list.Types() {
		if has(t) {
			return true
		}
	}
	return false
}
