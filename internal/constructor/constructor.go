// Package constructor reads constructors, in every form that Fx and dig take
// them, flattens what they provide, and makes them anew: with one parameter more
// and their results passed through a function.
package constructor

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"strconv"

	"go.uber.org/fx"
)

// ErrBroken is what [Read] returns for a constructor that Fx refuses, and says
// best why.
var ErrBroken = errors.New("fx refuses the constructor")

// Constructor is a user's constructor, however it was handed over.
type Constructor struct {
	fn  reflect.Value // to be called
	pc  uintptr       // of the function that the user wrote
	tag string        // of its result: name or group
}

// Read reads a function, or what fx.Annotate and fx.Annotated made of one.
func Read(ctor any) (Constructor, error) {
	v := reflect.ValueOf(ctor)
	switch {
	case !v.IsValid():
		return Constructor{}, errors.New("it needs a constructor, not nil")
	case v.Kind() == reflect.Func && !v.IsNil():
		return Constructor{fn: v, pc: v.Pointer()}, nil
	case v.Type() == typeOfAnnotationError:
		return Constructor{}, ErrBroken
	case v.Type() == typeOfAnnotated:
		return buildAnnotated(v)
	}
	if annotated, ok := ctor.(fx.Annotated); ok {
		return readAnnotated(annotated)
	}
	return Constructor{}, fmt.Errorf("it needs a constructor function, fx.Annotate(...) or fx.Annotated{...}, not %v (%T)", ctor, ctor)
}

func readAnnotated(a fx.Annotated) (Constructor, error) {
	c, err := Read(a.Target)
	switch {
	case err != nil:
		return Constructor{}, fmt.Errorf("fx.Annotated: %w", err)
	case a.Name != "" && a.Group != "":
		return Constructor{}, errors.New("fx.Annotated may have a Name or a Group, not both")
	case a.Name != "":
		c.tag = fmt.Sprintf("name:%q", a.Name)
	case a.Group != "":
		c.tag = fmt.Sprintf("group:%q", a.Group)
	}
	return c, nil
}

// Name is that of the function that the user wrote: "payments.NewGateway".
func (c Constructor) Name() string {
	if f := runtime.FuncForPC(c.pc); f != nil {
		return path.Base(f.Name())
	}
	return "a constructor"
}

// At is where that stands: "/src/payments/gateway.go:12".
func (c Constructor) At() string {
	if f := runtime.FuncForPC(c.pc); f != nil {
		file, line := f.FileLine(c.pc)
		return file + ":" + strconv.Itoa(line)
	}
	return "an unknown place"
}

var typeOfError = reflect.TypeFor[error]()

// Make makes the constructor that is called in place of c: with c's parameters
// and those given, with the results, and with an error last. What c returns goes
// through provide, result by result, unless c failed.
func (c Constructor) Make(more []reflect.Type, results []Result, provide func(more, values []reflect.Value) ([]reflect.Value, error)) reflect.Value {
	t := c.fn.Type()
	in, out := parameters(t, make([]reflect.Type, 0, t.NumIn()+len(more))), make([]reflect.Type, 0, len(results)+1)
	theirs := len(in)
	in = append(in, more...)
	for i := range results {
		out = append(out, results[i].Type)
	}
	out = append(out, typeOfError)
	made := t // for which memory need not be found
	if !isOf(t, in, out) {
		made = reflect.FuncOf(in, out, false)
	}
	return reflect.MakeFunc(made, func(args []reflect.Value) []reflect.Value {
		returned := c.fn.Call(args[:theirs])
		if n := len(returned); n > 0 && t.Out(n-1) == typeOfError && !returned[n-1].IsNil() {
			return failed(results, returned[n-1])
		}
		values := make([]reflect.Value, len(results), len(results)+1)
		for i, r := range results {
			values[i] = r.of(returned)
		}
		provided, err := provide(args[theirs:], values)
		if err != nil {
			err = fmt.Errorf("%s at %s: %w", c.Name(), c.At(), err)
			return failed(results, reflect.ValueOf(&err).Elem())
		}
		return append(provided, reflect.Zero(typeOfError))
	})
}

// isOf reports whether a function is one of these parameters and results.
func isOf(fn reflect.Type, in, out []reflect.Type) bool {
	if fn.IsVariadic() || fn.NumIn() != len(in) || fn.NumOut() != len(out) {
		return false
	}
	for i := range out {
		if fn.Out(i) != out[i] {
			return false
		}
	}
	return true // parameters are only ever added
}

// failed is what a constructor returns with an error: nothing of what it provides.
func failed(results []Result, err reflect.Value) []reflect.Value {
	provided := make([]reflect.Value, 0, len(results)+1)
	for _, r := range results {
		provided = append(provided, reflect.Zero(r.Type))
	}
	return append(provided, err)
}

// Describe names a constructor and its place, for errors.
func Describe(ctor any) string {
	c, err := Read(ctor)
	if err != nil {
		return "a constructor"
	}
	return c.Name() + " at " + c.At()
}
