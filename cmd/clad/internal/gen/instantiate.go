package gen

import (
	"fmt"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// maxInstances bounds what generic code with many type parameters, or that calls
// itself with ever new type arguments, could ask for.
const maxInstances = 1000

// concrete replaces type parameters of the functions around a Tag call by the
// type arguments that they get anywhere, so that the interface has a name at
// package level. The home moves to who gives the argument. What is beyond the
// bound is warned of; whole reports that nothing is.
func (f *finder) concrete(t tagging, p provided) (done []provided, whole bool) {
	todo := []provided{p}
	visited := visitedTypes{} // a recursive function gives itself its own type parameter
	visited.add(p)
	for n := 0; len(todo) > 0 && n < maxInstances; n++ {
		p, todo = todo[0], todo[1:]
		param := firstTypeParam(p.typ)
		if param == nil {
			done = append(done, p)
			continue
		}
		for _, inst := range f.x.typeArgumentsOf(param) {
			typ := substitute(p.typ, param, inst.typ)
			if typ == nil {
				continue
			}
			next := provided{typ, f.x.nearer(p.home, inst.pkg, inst.at), position(inst.pkg, inst.at)}
			if visited.add(next) {
				todo = append(todo, next)
			}
		}
	}
	f.warnOfMissing(t, done, todo)
	return done, len(todo) == 0
}

// visitedTypes are the types that were found, and for which places.
type visitedTypes struct{ byType typeutil.Map }

// add reports whether p is new.
func (v *visitedTypes) add(p provided) bool {
	places, _ := v.byType.At(p.typ).([]place)
	if slices.Contains(places, p.home) {
		return false
	}
	v.byType.Set(p.typ, append(places, p.home))
	return true
}

// warnOfMissing says which of the types that were not followed may lack a proxy.
// It is no error: who asked for them by -type in another package, or wrapped them
// by hand there, has all that is needed.
func (f *finder) warnOfMissing(t tagging, done, left []provided) {
	left = f.missing(t, done, left)
	if len(left) == 0 {
		return
	}
	names := make([]string, len(left))
	for i, p := range left {
		names[i] = askedName(want{typ: p.typ, home: p.home})
	}
	example := "X"
	if i := slices.IndexFunc(left, func(p provided) bool { return firstTypeParam(p.typ) == nil }); i >= 0 {
		example = names[i]
	}
	at := left[0].pos
	f.warnings = append(f.warnings, fmt.Sprintf(
		"%s: container.Tag in generic code: %d instantiations are followed, and those from %s:%d on are not, so that proxies may be missing (%s): ask for each that is needed, as in clad gen -type '%s', or write it and register it with container.RegisterProxy",
		t.at(), maxInstances, relative(at.Filename), at.Line, strings.Join(some(unique(names)), ", "), example))
}

// missing are those of left that no proxy is known for.
func (f *finder) missing(t tagging, done, left []provided) []provided {
	if len(left) == 0 {
		return nil
	}
	known := map[string]bool{}
	for _, p := range done {
		known[keyOf(p.typ)] = true
	}
	for p, names := range f.b.named {
		for _, n := range names {
			if typ, err := f.b.lookup(p, n); err == nil {
				known[keyOf(typ)] = true
			}
		}
	}
	return slices.DeleteFunc(left, func(p provided) bool {
		if firstTypeParam(p.typ) != nil {
			return false // nobody knows what it stands for, and for whom
		}
		return !f.wanted(p.home) || !types.IsInterface(p.typ) || known[keyOf(p.typ)] || f.x.hasProxy(p.typ) || f.adapted(t, p)
	})
}

func (x *index) typeArgumentsOf(param *types.TypeParam) []instance {
	if of, ok := x.receivers[param]; ok {
		return x.instances[of]
	}
	return x.instances[param]
}

// firstTypeParam finds a type parameter where substitute can replace one: t
// itself, or among the type arguments of a named type, at any depth.
func firstTypeParam(t types.Type) *types.TypeParam {
	switch t := types.Unalias(t).(type) {
	case *types.TypeParam:
		return t
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			if param := firstTypeParam(arg); param != nil {
				return param
			}
		}
	case *types.Pointer:
		return firstTypeParam(t.Elem())
	case *types.Slice:
		return firstTypeParam(t.Elem())
	case *types.Map:
		if param := firstTypeParam(t.Key()); param != nil {
			return param
		}
		return firstTypeParam(t.Elem())
	}
	return nil
}

// substitute puts arg in the place of param.
func substitute(t types.Type, param *types.TypeParam, arg types.Type) types.Type {
	switch t := types.Unalias(t).(type) {
	case *types.TypeParam:
		if t == param {
			return arg
		}
	case *types.Pointer:
		return types.NewPointer(substitute(t.Elem(), param, arg))
	case *types.Slice:
		return types.NewSlice(substitute(t.Elem(), param, arg))
	case *types.Map:
		return types.NewMap(substitute(t.Key(), param, arg), substitute(t.Elem(), param, arg))
	case *types.Named:
		args := make([]types.Type, 0, t.TypeArgs().Len())
		for a := range t.TypeArgs().Types() {
			args = append(args, substitute(a, param, arg))
		}
		if len(args) > 0 {
			if inst, err := types.Instantiate(nil, t.Origin(), args, true); err == nil {
				return inst
			}
			return t
		}
	}
	return t
}
