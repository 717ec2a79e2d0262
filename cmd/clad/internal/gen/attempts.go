package gen

import (
	"fmt"
	"go/types"
	"strings"
)

// direct writes the call under no policy.
func (w *writer) direct(v variables, pipeline, next string) {
	w.linef("if %s.Direct() {", pipeline)
	w.linef("return %s(%s)", next, strings.Join(v.args, ", "))
	w.linef("}")
}

// guarded writes the rest of a function that calls next under a pipeline, or else its
// fallback.
func (w *writer) guarded(m *method, v variables, pipeline, next, fallback string) {
	w.direct(v, pipeline, next)
	results := strings.Join(v.names, ", ")
	if m.report == byCommand {
		w.linef("var err error")
		w.loop(m, v, pipeline, next, fallback, "err", func(call string) {
			w.linef("%s, err = %s, nil", results, call)
			w.linef("if %s != nil {\nerr = %[1]s.Err()\n}", results)
		})
		w.command(m, results, "err")
	} else {
		err := v.names[len(v.names)-1]
		w.loop(m, v, pipeline, next, fallback, err, func(call string) { w.linef("%s = %s", results, call) })
	}
	w.linef("return %s\n}", results)
}

// loop writes the attempts of a method; attempt writes what one does with the call.
func (w *writer) loop(m *method, v variables, pipeline, next, fallback, err string, attempt func(call string)) {
	args := append([]string(nil), v.args...)
	begin := ""
	switch param := m.context.param; {
	case param < 0:
		begin = w.imports.names["context"] + ".Background()"
	case m.context.kind == standardContext:
		begin, args[param] = args[param], m.attempt()
	case m.context.kind == requestContext:
		begin = args[param] + ".Context()"
		args[param] = fmt.Sprintf("input.Request(%s, %s)", m.attempt(), args[param])
	case m.context.kind == customContext:
		begin = args[param]
	}
	w.linef("call := %s.Begin(%s)", pipeline, begin)
	w.linef("defer call.End()")
	w.partition(m, v)
	w.ask(m, v)
	w.attempts(m, v, err)
	if m.fallsBack() {
		w.linef("if call.FellBack() {")
		attempt(fmt.Sprintf("%s(%s)", fallback, strings.ReplaceAll(strings.Join(args, ", "), m.attempt(), "call.Context()")))
		w.linef("continue\n}")
	}
	if m.hedges() {
		w.hedge(m, v, next)
	}
	if m.opens() {
		w.linef("opening := call.Open()")
	}
	attempt(fmt.Sprintf("%s(%s)", next, strings.Join(args, ", ")))
	w.spend(m, v, err)
	w.keep(m, v.names, err)
	w.linef("}")
	w.lastGood(m, v)
}

// attempts writes the head of the loop, and before it what the attempts read.
func (w *writer) attempts(m *method, v variables, err string) {
	if len(m.input.reads) == 0 && m.input.request < 0 {
		w.linef("for call.Next(&%s) {", err)
		return
	}
	w.linef("var input %s.Input", w.imports.names[containerPath])
	within := ""
	for _, p := range m.input.reads {
		param := v.args[p.param]
		if condition := p.condition(param); condition != within {
			if within != "" {
				w.linef("}")
			}
			if within = condition; within != "" {
				w.linef("if %s {", within)
			}
		}
		w.linef("input.Reads(%s)", p.expr(param))
	}
	if within != "" {
		w.linef("}")
	}
	w.linef("for input.Next(&call, &%s) {", err)
}

// spend ends the attempts where one has used up what it was given.
func (w *writer) spend(m *method, v variables, err string) {
	var conditions []string
	for _, p := range m.input.checks {
		param, spread := strings.CutSuffix(v.args[p.param], "...")
		readOnce := fmt.Sprintf("%s.ReadOnce(%s)", w.imports.names[containerPath], p.expr(param))
		if s, ok := p.typ.(*types.Slice); ok && spread && types.Identical(s.Elem(), anyType) {
			readOnce = fmt.Sprintf("%s.ReadOnce(%s...)", w.imports.names[containerPath], param)
		}
		if condition := p.condition(param); condition != "" {
			readOnce = condition + " && " + readOnce
		}
		conditions = append(conditions, readOnce)
	}
	if m.single != "" && m.guard == optional { // a policy that is chosen would repeat it
		conditions = []string{err + " != nil"}
	}
	if len(conditions) == 0 {
		return
	}
	condition := strings.Join(conditions, " || ")
	switch {
	case m.single != "":
	case len(conditions) > 1:
		condition = fmt.Sprintf("%s != nil && (%s)", err, condition)
	default:
		condition = fmt.Sprintf("%s != nil && %s", err, condition)
	}
	w.linef("if %s {\ncall.Stop()\n}", condition)
}

// attempt is the expression for the context of an attempt.
func (m *method) attempt() string {
	if m.opens() {
		return "opening.Context()"
	}
	return "call.Context()"
}

// opens reports whether a method opens what its policy's timeouts do not bound.
func (m *method) opens() bool {
	return m.outlive.what != "" && (m.outlive.life == open || m.outlive.life == held) && m.context.enforces()
}

// keep keeps the attempt's context for a result that is used after the call.
func (w *writer) keep(m *method, results []string, err string) {
	o := m.outlive
	if o.what == "" {
		return
	}
	result := results[o.result]
	condition := err + " == nil"
	switch o.life {
	case open:
		if m.opens() {
			w.linef("opening.End(%s)", err)
		}
		return
	case held:
		if m.opens() {
			w.linef("opening.Hold(%s, %s)", result, err)
		}
		return
	case cursor:
		w.linef("if %s {\ncall.Detach()\n}", condition)
		return
	case pointerBody:
		condition += " && " + result + " != nil"
		result += "." + o.field
	case fieldBody:
		result += "." + o.field
	case body:
	}
	w.linef("if %s {\n%s = call.Body(%[2]s)\n}", condition, result)
}
