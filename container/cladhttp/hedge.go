package cladhttp

import (
	"cmp"
	"net/http"

	"github.com/cladgo/clad/container"
)

// hedgeable reports whether a request may be on its way twice at once: it only
// reads, has no body, and asks for no other protocol on its connection. One that
// writes may be repeated but not hedged: where it is overtaken it may still have its
// effect after another write that its caller makes next.
func hedgeable(req *http.Request) bool {
	return reads(req.Method) && !hasBody(req) && req.Header.Get("Upgrade") == ""
}

// begin begins the call that the request is, hedged where that may be.
func (x *exchange) begin(p *container.Pipeline) container.Call {
	if p.Hedging() && hedgeable(x.req) {
		return p.Begin(x.ctx)
	}
	return p.BeginAlone(x.ctx)
}

// hedge makes an attempt, and others beside it where it takes too long. Each is an
// exchange of its own, and to this one the whole is as one request.
func (x *exchange) hedge(call *container.Call, h *container.HedgedCall) outcome {
	x.letGo()
	around := x.hintsFor(h.Context(), call)
	x.attempts++
	x.began = x.losses.now()
	first, release, err := container.HedgedOpening(h, func(call *container.Call) (*rival, error) {
		r := &rival{exchange{transport: x.transport, req: x.req, repeat: x.repeat, around: around, key: x.key}}
		r.last = r.runUnder(call)
		return r, r.last
	})
	first.stop = release
	o := outcome{err: err, final: first.final}
	resp, _ := first.finish(err) //nolint:bodyclose // that is for the caller, or for letGo
	if resp == nil {
		x.last = err
		return o
	}
	x.resp, x.status = resp, first.status
	if x.status != nil {
		o.err = cmp.Or(err, error(x.status))
		x.last = o.err
		o.verdict = forPolicy(x.verdict(resp))
	}
	return o
}

// rival is an attempt that others are made beside.
type rival struct{ exchange }

// Close lets go of what nobody waits for any more.
func (r *rival) Close() error {
	resp, _ := r.finish(r.last)
	if resp == nil || resp.Body == nil {
		return nil
	}
	return resp.Body.Close()
}
