package container

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strconv"
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
		return locate(source{fn: v, pc: v.Pointer()}), nil
	case v.Type() == typeOfAnnotationError:
		return source{broken: true}, nil
	case v.Type() == typeOfAnnotated:
		src, err := buildAnnotated(v)
		return locate(src), err
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
	target := reflect.ValueOf(v.FieldByName("Target").Interface())
	if target.Kind() != reflect.Func {
		return source{broken: true}, nil
	}
	src := source{fn: target, pc: target.Pointer()}
	if ptr := v.FieldByName("FuncPtr"); ptr.IsValid() && ptr.Uint() != 0 { // it is tagged already
		src.pc = uintptr(ptr.Uint())
		if a := v.FieldByName("Annotations"); a.IsValid() && a.Len() == 0 {
			return src, nil // nothing to apply, and Build makes a container for it
		}
	}
	a := reflect.New(typeOfAnnotated)
	a.Elem().Set(v)
	out := a.MethodByName("Build").Call(nil)
	if err, _ := reflect.TypeAssert[error](out[1]); err != nil {
		return source{}, err
	}
	src.fn = reflect.ValueOf(out[0].Interface())
	return src, nil
}

// locate tells where the function stands that the user wrote.
func locate(src source) source {
	src.name, src.at = "a constructor", "an unknown place"
	if f := runtime.FuncForPC(src.pc); f != nil {
		file, line := f.FileLine(src.pc)
		src.name, src.at = path.Base(f.Name()), file+":"+strconv.Itoa(line)
	}
	return src
}

// annotate makes of a constructor what fx.Provide takes, bearing the user's
// function: dig names it by FuncPtr in errors and graphs, and fx prints the
// annotations in its events.
func annotate(fn reflect.Value, results []result, src source, policyName string) any {
	var annotations []fx.Annotation
	if slices.ContainsFunc(results, func(r result) bool { return r.tag != "" }) {
		tags := make([]string, len(results))
		for i, r := range results {
			tags[i] = r.tag
		}
		annotations = append(annotations, fx.ResultTags(tags...))
	}
	shown := "container.Tag(" + src.name + ", " + policyName + ") at " + src.at
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
