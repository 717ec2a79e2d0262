package container

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"unsafe"

	"go.uber.org/fx"
)

// source is a user's constructor, however it was handed over.
type source struct {
	fn     reflect.Value // to be called
	pc     uintptr       // of the function that the user wrote
	name   string        // "payments.NewGateway"
	at     string        // "/src/payments/gateway.go:12"
	tag    string        // of its result: name or group
	broken bool          // fx will refuse it, and say why
}

// fx keeps the types of what fx.Annotate returns to itself.
var (
	typeOfAnnotated       = reflect.TypeOf(fx.Annotate(func() {}))
	typeOfAnnotationError = reflect.TypeOf(fx.Annotate(func() {}, fx.OnStart(nil)))
)

func sourceOf(ctor any) (source, error) {
	v := reflect.ValueOf(ctor)
	switch {
	case !v.IsValid():
		return source{}, errors.New("it needs a constructor, not nil")
	case v.Kind() == reflect.Func && !v.IsNil():
		return locate(source{fn: v}, v.Pointer()), nil
	case v.Type() == typeOfAnnotationError:
		return source{broken: true}, nil
	case v.Type() == typeOfAnnotated:
		return buildAnnotated(v)
	}
	if annotated, ok := ctor.(fx.Annotated); ok {
		return sourceOfAnnotated(annotated)
	}
	return source{}, fmt.Errorf("it needs a constructor function, fx.Annotate(...) or fx.Annotated{...}, not %v (%T)", ctor, ctor)
}

func sourceOfAnnotated(a fx.Annotated) (source, error) {
	src, err := sourceOf(a.Target)
	switch {
	case err != nil:
		return source{}, fmt.Errorf("fx.Annotated: %w", err)
	case a.Name != "" && a.Group != "":
		return source{}, errors.New("fx.Annotated may have a Name or a Group, not both")
	case a.Name != "":
		src.tag = fmt.Sprintf("name:%q", a.Name)
	case a.Group != "":
		src.tag = fmt.Sprintf("group:%q", a.Group)
	}
	return src, nil
}

// buildAnnotated has fx apply its own annotations first, as fx.Provide would,
// and remembers the function that the user wrote.
func buildAnnotated(v reflect.Value) (source, error) {
	a := reflect.New(v.Type())
	a.Elem().Set(v)
	target := reflect.ValueOf(a.Elem().FieldByName("Target").Interface())
	if target.Kind() != reflect.Func {
		return source{broken: true}, nil
	}
	pc := target.Pointer()
	if ptr := a.Elem().FieldByName("FuncPtr"); ptr.IsValid() && ptr.Uint() != 0 {
		pc = uintptr(ptr.Uint()) // it is tagged already
	}
	out := a.MethodByName("Build").Call(nil)
	if err, _ := reflect.TypeAssert[error](out[1]); err != nil {
		return source{}, err
	}
	return locate(source{fn: reflect.ValueOf(out[0].Interface())}, pc), nil
}

func locate(src source, pc uintptr) source {
	src.pc = pc
	src.name, src.at = "a constructor", "an unknown place"
	if f := runtime.FuncForPC(pc); f != nil {
		file, line := f.FileLine(pc)
		src.name, src.at = path.Base(f.Name()), fmt.Sprintf("%s:%d", file, line)
	}
	return src
}

// annotate makes of a constructor what fx.Provide takes, bearing the user's
// function: dig names it by FuncPtr in errors and graphs, and fx prints the
// annotations in its events.
func annotate(fn reflect.Value, results []result, src source, policyName string) any {
	var annotations []fx.Annotation
	tags := make([]string, len(results))
	tagged := false
	for i, r := range results {
		tags[i] = r.tag
		tagged = tagged || r.tag != ""
	}
	if tagged {
		annotations = append(annotations, fx.ResultTags(tags...))
	}
	shown := fmt.Sprintf("container.Tag(%s, %s) at %s", src.name, policyName, src.at)
	return annotateAs(fn, src, shown, annotations...)
}

// annotateAs annotates fn, with the user's function in place of a stub's. What
// is to be shown of it goes where fx prints the tags of results.
func annotateAs(fn reflect.Value, src source, shown string, annotations ...fx.Annotation) any {
	annotated := fx.Annotate(fn.Interface(), annotations...)
	if reflect.TypeOf(annotated) != typeOfAnnotated {
		return annotated
	}
	a := reflect.New(typeOfAnnotated).Elem()
	a.Set(reflect.ValueOf(annotated))
	if ptr := a.FieldByName("FuncPtr"); ptr.IsValid() {
		ptr.SetUint(uint64(src.pc))
	}
	if tags := a.FieldByName("ResultTags"); tags.IsValid() {
		tags.Set(reflect.ValueOf([]string{shown}))
	}
	return a.Interface()
}

// refuse makes what fx.Provide refuses with err: fx's own value for a failed
// annotation. A constructor that fails would go unnoticed until it is needed.
func refuse(ctor any, err error) any {
	refused := reflect.New(typeOfAnnotationError)
	refused.Elem().Set(reflect.ValueOf(fx.Annotate(ctor, fx.OnStart(nil))))
	if cause := refused.Elem().FieldByName("err"); cause.IsValid() && cause.Type() == typeOfError {
		*(*error)(unsafe.Pointer(cause.UnsafeAddr())) = err
	}
	return refused.Elem().Interface()
}
