package constructor

import (
	"fmt"
	"reflect"
)

// Beside returns a constructor that runs c and then other: it takes what both take,
// and returns what both return. The other's results come behind c's own, from
// [Constructor.Own] on, and are none of c.Results; what is wanted of them is picked by
// [Constructor.Beyond].
func (c Constructor) Beside(other Constructor) Constructor {
	mine, theirs := c.fn.Type(), other.fn.Type()
	in, first := parameters(mine, nil), 0
	first = len(in)
	in = parameters(theirs, in)
	out := append(values(mine), values(theirs)...)
	joined := c
	joined.fn = reflect.MakeFunc(reflect.FuncOf(in, append(out, typeOfError), false), func(args []reflect.Value) []reflect.Value {
		results := make([]reflect.Value, 0, len(out)+1)
		for _, part := range []struct {
			Constructor
			args []reflect.Value
		}{{c, args[:first]}, {other, args[first:]}} {
			returned := part.fn.Call(part.args)
			n := len(values(part.fn.Type()))
			if n < len(returned) && !returned[n].IsNil() {
				err, _ := reflect.TypeAssert[error](returned[n])
				if part.pc != c.pc {
					err = fmt.Errorf("%s at %s: %w", part.Name(), part.At(), err)
				}
				failed := make([]reflect.Value, 0, len(out)+1)
				for _, t := range out {
					failed = append(failed, reflect.Zero(t))
				}
				return append(failed, reflect.ValueOf(&err).Elem())
			}
			results = append(results, returned[:n]...)
		}
		return append(results, reflect.Zero(typeOfError))
	})
	return joined
}

// Own is how many values the constructor returns, an error left out.
func (c Constructor) Own() int { return len(values(c.fn.Type())) }

// Beyond is the result at a place behind a constructor's own, provided as a type
// under a name or in a group.
func Beyond(at int, as reflect.Type, name, group string) Result {
	tag := ""
	switch {
	case name != "":
		tag = fmt.Sprintf("name:%q", name)
	case group != "":
		tag = fmt.Sprintf("group:%q", group)
	}
	return Result{Type: as, Field: "fallback", tag: tag, at: at}
}

func parameters(fn reflect.Type, in []reflect.Type) []reflect.Type {
	n := fn.NumIn()
	if fn.IsVariadic() {
		n-- // dig never fills it
	}
	for i := range n {
		in = append(in, fn.In(i))
	}
	return in
}

// values are the types of what a constructor returns, an error last left out.
func values(fn reflect.Type) []reflect.Type {
	var out []reflect.Type
	for i := range fn.NumOut() {
		if t := fn.Out(i); t != typeOfError {
			out = append(out, t)
		}
	}
	return out
}

// Values are the types of what the constructor returns, an error left out.
func (c Constructor) Values() []reflect.Type { return values(c.fn.Type()) }
