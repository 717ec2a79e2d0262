package container

import (
	"context"
	"io"
	"reflect"

	"github.com/cladgo/clad/internal/signature"
)

var (
	typeOfContext = reflect.TypeFor[context.Context]()
	typeOfError   = reflect.TypeFor[error]()
)

// guardable reports whether t is a function that can be guarded: it takes a
// context first and returns an error last.
func guardable(t reflect.Type) bool {
	return t.Kind() == reflect.Func &&
		t.NumIn() > 0 && t.In(0) == typeOfContext &&
		t.NumOut() > 0 && t.Out(t.NumOut()-1) == typeOfError
}

// guardableStruct reports whether t is a struct of functions of which one at
// least can be guarded. All fields must be exported: the struct is copied.
func guardableStruct(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	found := false
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Type.Kind() != reflect.Func {
			return false
		}
		found = found || guardable(f.Type)
	}
	return found
}

// guardableNames lists the methods that a profile or a tag may choose a policy
// for: of an interface, the functions of a struct, or what a wrapper registered.
func guardableNames(t reflect.Type) []string {
	if p, ok := proxyOf(t); ok {
		return p.methods
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var names []string
	switch {
	case t.Kind() == reflect.Interface:
		for i := range t.NumMethod() {
			names = append(names, t.Method(i).Name)
		}
	case guardableStruct(t):
		for i := range t.NumField() {
			if guardable(t.Field(i).Type) {
				names = append(names, t.Field(i).Name)
			}
		}
	}
	return names
}

// wrapFunc returns fn under the pipeline of a method, as a function of the same type.
// What Go can make at run time for functions, unlike for interfaces, costs reflection
// at each call. The fallback is of the same type, or nil.
func wrapFunc(fn reflect.Value, m Methods, method string, fallback reflect.Value) reflect.Value {
	t := fn.Type()
	p, instead := m.Method(method), reflect.New(t)
	if fallback.IsValid() {
		instead.Elem().Set(fallback)
	}
	m.Fallback(method, instead.Interface())
	fallback = instead.Elem()
	last := t.NumOut() - 1
	given, lasting := signature.InputsOf(t), signature.LastingOf(t)
	return reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		var err error
		results := make([]reflect.Value, t.NumOut())
		for i := range results {
			results[i] = reflect.Zero(t.Out(i))
		}
		ctx, _ := reflect.TypeAssert[context.Context](args[0])
		if ctx == nil {
			ctx = context.Background() // callees that do not look at it have always been called so
		}
		call := p.Begin(ctx)
		defer call.End()
		var input Input
		for _, i := range given.Reads {
			input.Reads(args[i].Interface())
		}
		for input.Next(&call, &err) {
			if call.FellBack() {
				ctx := call.Context()
				args[0] = reflect.ValueOf(&ctx).Elem()
				results = callFunc(fallback, args)
				err, _ = reflect.TypeAssert[error](results[last])
				continue
			}
			opening, attempt := Opening{}, call.Context()
			if lasting.Life == signature.Opens || lasting.Life == signature.Held {
				opening = call.Open()
				attempt = opening.Context()
			}
			args[0] = reflect.ValueOf(&attempt).Elem()
			results = callFunc(fn, args)
			err, _ = reflect.TypeAssert[error](results[last])
			if err != nil && given.Spent(args) {
				call.Stop()
			}
			keep(lasting, &call, &opening, results, err)
		}
		results[last] = reflect.ValueOf(&err).Elem()
		return results
	})
}

func callFunc(fn reflect.Value, args []reflect.Value) []reflect.Value {
	if fn.Type().IsVariadic() {
		return fn.CallSlice(args)
	}
	return fn.Call(args)
}

// keep keeps the context of an attempt for a result that outlives the call.
func keep(l signature.Lasting, call *Call, opening *Opening, results []reflect.Value, err error) {
	switch l.Life {
	case signature.Opens:
		opening.End(err)
	case signature.Held:
		opening.Hold(results[l.Result].Interface(), err)
	case signature.Cursor:
		if err == nil {
			call.Detach()
		}
	case signature.Body:
		if err == nil {
			results[l.Result] = withBody(call, results[l.Result], l.Field)
		}
	case signature.Ends:
	}
}

// withBody returns a result whose body, itself or in a field, ends the operation.
func withBody(call *Call, v reflect.Value, field int) reflect.Value {
	switch {
	case field < 0:
		rc, _ := reflect.TypeAssert[io.ReadCloser](v)
		rc = call.Body(rc)
		return reflect.ValueOf(&rc).Elem()
	case v.Kind() == reflect.Struct:
		copied := reflect.New(v.Type()).Elem()
		copied.Set(v)
		f := copied.Field(field)
		f.Set(withBody(call, f, -1))
		return copied
	case !v.IsNil():
		f := v.Elem().Field(field)
		f.Set(withBody(call, f, -1))
	}
	return v
}

// wrapStruct returns a copy of a struct of functions, each that can be guarded
// under the pipeline of its name.
func wrapStruct(v reflect.Value, m Methods) reflect.Value {
	wrapped := reflect.New(v.Type()).Elem()
	wrapped.Set(v)
	instead := reflect.Zero(v.Type())
	if f := m.fallbackValue(); f.IsValid() {
		instead = reflect.Indirect(f)
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if guardable(f.Type) && !v.Field(i).IsNil() {
			wrapped.Field(i).Set(wrapFunc(v.Field(i), m, f.Name, instead.Field(i)))
		}
	}
	return wrapped
}
