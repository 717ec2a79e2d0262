package gen

import (
	"go/types"
)

// maxInstances bounds what generic code that calls itself with ever new type
// arguments could ask for.
const maxInstances = 1000

// concrete replaces type parameters of the functions around a Tag call by the
// type arguments that they get anywhere, so that the interface has a name at
// package level. The home moves to who gives the argument.
func (f *finder) concrete(p provided) []provided {
	done := []provided{}
	todo := []provided{p}
	for n := 0; len(todo) > 0 && n < maxInstances; n++ {
		p, todo = todo[0], todo[1:]
		param := firstTypeParam(p.typ)
		if param == nil {
			done = append(done, p)
			continue
		}
		for _, inst := range f.x.typeArgumentsOf(param) {
			typ := substitute(p.typ, param, inst.typ)
			if typ != nil {
				todo = append(todo, provided{typ, f.x.nearer(p.home, inst.pkg, inst.at)})
			}
		}
	}
	return done
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
