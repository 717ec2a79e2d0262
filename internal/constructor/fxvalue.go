package constructor

import (
	"reflect"
	"slices"
	"unsafe"

	"go.uber.org/dig"
	"go.uber.org/fx"
)

// fx keeps the types of what fx.Annotate returns to itself.
var (
	typeOfAnnotated       = reflect.TypeOf(fx.Annotate(func() {}))
	typeOfAnnotationError = reflect.TypeOf(fx.Annotate(func() {}, fx.OnStart(nil)))
)

// buildAnnotated has fx apply its own annotations first, as fx.Provide would,
// and remembers the function that the user wrote.
func buildAnnotated(v reflect.Value) (Constructor, error) {
	target := reflect.ValueOf(v.FieldByName("Target").Interface())
	if target.Kind() != reflect.Func {
		return Constructor{}, ErrBroken
	}
	c := Constructor{fn: target, pc: target.Pointer()}
	if ptr := v.FieldByName("FuncPtr"); ptr.IsValid() && ptr.Uint() != 0 { // it was made by Annotate below
		c.pc = uintptr(ptr.Uint())
		if a := v.FieldByName("Annotations"); a.IsValid() && a.Len() == 0 {
			return c, nil // nothing to apply, and Build makes a container for it
		}
	}
	a := reflect.New(typeOfAnnotated)
	a.Elem().Set(v)
	out := a.MethodByName("Build").Call(nil)
	if err, _ := reflect.TypeAssert[error](out[1]); err != nil {
		return Constructor{}, err
	}
	c.fn = reflect.ValueOf(out[0].Interface())
	return c, nil
}

// Annotate makes of fn what fx.Provide takes, in the place of the user's
// constructor: dig names that by FuncPtr in errors and graphs. What is to be
// shown goes where fx prints the tags of results, in its events and its errors. What
// the value is to carry, [Carried] returns.
func (c Constructor) Annotate(fn reflect.Value, results []Result, shown string, carried any) any {
	var annotations []fx.Annotation
	if slices.ContainsFunc(results, func(r Result) bool { return r.tag != "" }) {
		tags := make([]string, len(results))
		for i, r := range results {
			tags[i] = r.tag
		}
		annotations = append(annotations, fx.ResultTags(tags...))
	}
	return annotate(fn, c.pc, shown, carried, annotations...)
}

// As makes of fn what fx.Provide takes, named in errors and graphs as the
// function named is.
func As(fn reflect.Value, named any) any {
	return annotate(fn, reflect.ValueOf(named).Pointer(), "", nil)
}

func annotate(fn reflect.Value, pc uintptr, shown string, carry any, annotations ...fx.Annotation) any {
	a := reflect.New(typeOfAnnotated).Elem()
	if len(annotations) == 0 && fieldsOfAnnotated.target >= 0 && fieldsOfAnnotated.funcPtr >= 0 {
		a.Set(bare) // which is all that fx.Annotate makes of none, but for what follows
		a.Field(fieldsOfAnnotated.target).Set(fn)
	} else {
		annotated := fx.Annotate(fn.Interface(), annotations...)
		if reflect.TypeOf(annotated) != typeOfAnnotated {
			return annotated
		}
		a.Set(reflect.ValueOf(annotated))
	}
	if i := fieldsOfAnnotated.funcPtr; i >= 0 {
		a.Field(i).SetUint(uint64(pc))
	}
	if i := fieldsOfAnnotated.resultTags; i >= 0 && shown != "" {
		*a.Field(i).Addr().Interface().(*[]string) = []string{shown}
	}
	if i := fieldsOfAnnotated.annotations; carry != nil && i >= 0 {
		all := make([]fx.Annotation, len(annotations), len(annotations)+1)
		copy(all, annotations)
		*a.Field(i).Addr().Interface().(*[]fx.Annotation) = append(all, carried{value: carry})[:len(annotations)]
	}
	return a.Interface()
}

// bare is what fx.Annotate makes of a function and no annotations.
var bare = reflect.ValueOf(fx.Annotate(func() {}))

// fieldsOfAnnotated are where fx keeps what is set here; -1 where a release of fx has
// no such field.
var fieldsOfAnnotated = struct{ target, funcPtr, resultTags, annotations int }{
	fieldOfAnnotated[any]("Target"), fieldOfAnnotated[uintptr]("FuncPtr"),
	fieldOfAnnotated[[]string]("ResultTags"), fieldOfAnnotated[[]fx.Annotation]("Annotations"),
}

func fieldOfAnnotated[T any](name string) int {
	f, ok := typeOfAnnotated.FieldByName(name)
	if !ok || len(f.Index) != 1 || f.Type != reflect.TypeFor[T]() {
		return -1
	}
	return f.Index[0]
}

// carried is what an annotated function carries, beyond the end of its annotations, where
// fx does not look.
type carried struct {
	fx.Annotation
	value any
}

// Carried returns what a value of [Constructor.Annotate] carries; nil for others.
func Carried(ctor any) any {
	if reflect.TypeOf(ctor) != typeOfAnnotated {
		return nil
	}
	field := reflect.ValueOf(ctor).FieldByName("Annotations")
	if !field.IsValid() {
		return nil
	}
	all, _ := reflect.TypeAssert[[]fx.Annotation](field)
	if n := len(all); cap(all) > n {
		if c, ok := all[:n+1][n].(carried); ok {
			return c.value
		}
	}
	return nil
}

// Refuse makes what fx.Provide refuses with err: fx's own value for a failed
// annotation. A constructor that fails would go unnoticed until it is needed.
func Refuse(ctor any, err error) any {
	refused := reflect.New(typeOfAnnotationError)
	refused.Elem().Set(reflect.ValueOf(fx.Annotate(ctor, fx.OnStart(nil))))
	if cause := refused.Elem().FieldByName("err"); cause.IsValid() && cause.Type() == typeOfError {
		*(*error)(unsafe.Pointer(cause.UnsafeAddr())) = err
	}
	return refused.Elem().Interface()
}

// ForDig makes of fn, which Make made of c, what dig's Provide takes.
func (c Constructor) ForDig(fn reflect.Value, results []Result) (any, []dig.ProvideOption, error) {
	if slices.ContainsFunc(results, func(r Result) bool { return r.tag != "" }) {
		return ForDig(c.Annotate(fn, results, "", nil))
	}
	return fn.Interface(), []dig.ProvideOption{dig.LocationForPC(c.pc)}, nil
}

// ForDig makes of what fx.Provide takes what dig's Provide takes: plain functions
// and their options as they are.
func ForDig(ctor any) (fn any, opts []dig.ProvideOption, err error) {
	v := reflect.ValueOf(ctor)
	switch {
	case !v.IsValid():
	case v.Type() == typeOfAnnotationError:
		refused := reflect.New(typeOfAnnotationError)
		refused.Elem().Set(v)
		if err, ok := reflect.TypeAssert[error](refused); ok {
			return nil, nil, err
		}
	case v.Type() == typeOfAnnotated:
		c, err := buildAnnotated(v)
		if err == nil {
			return c.fn.Interface(), []dig.ProvideOption{dig.LocationForPC(c.pc)}, nil
		}
		if err != ErrBroken { //nolint:errorlint // the very error: anything else has its own to say
			return nil, nil, err
		}
	}
	return ctor, nil, nil
}
