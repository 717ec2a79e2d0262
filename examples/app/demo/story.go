package demo

import (
	"fmt"
	"net/http"
	"time"
)

// step is one thing that is done, and what must come of it.
type step struct {
	name            string
	faults          string // sets the bank's faults before; empty leaves them
	afterRetryAfter bool   // waits as long as the answer before said

	method, path string
	key, body    string

	status     int
	retryAfter bool          // the answer says when to come back
	takes      time.Duration // at least
	breaker    string
	asked      int // requests that reach the bank
	charged    int
	refunded   int
	told       string
}

const (
	closed   = "closed"
	open     = "open"
	halfOpen = "half-open"
)

// The story. The policies of production make of it what it is: two attempts at
// the bank, and a breaker that opens at the third failure in a row.
var story = []step{
	pay("a payment", "first", "120.50", step{
		status: 201, asked: 1, charged: 1, breaker: closed,
		told: "the bank took the money",
	}),
	pay("the same again", "first", "120.50", step{
		status: 200, breaker: closed,
		told: "the same Idempotency-Key is the same payment",
	}),
	pay("12000, above the limit", "large", "12000", step{
		status: 422, breaker: closed,
		told: "an answer of the domain: not retried, no failure",
	}),
	pay("the bank's answer is lost", "lost", "80", step{
		faults: `{"lost_rate": 1, "requests": 1}`,
		status: 201, asked: 2, charged: 1, breaker: closed,
		told: "retried under the same key: asked twice, charged once",
	}),
	pay("the bank says 429, in 1s", "patient", "15", step{
		faults: `{"throttle_rate": 1, "retry_after": "1s", "requests": 1}`,
		status: 201, asked: 2, charged: 1, breaker: closed, takes: time.Second,
		told: "retried, no sooner than the bank said",
	}),
	pay("the bank is down", "a", "100", step{
		faults: `{"outage": true}`,
		status: 502, asked: 2, breaker: closed,
		told: "both attempts failed; nobody was charged",
	}),
	pay("another payment", "b", "200", step{
		status: 503, retryAfter: true, asked: 1, breaker: open,
		told: "the third failure in a row opened the breaker",
	}),
	pay("another payment", "c", "300", step{
		status: 503, retryAfter: true, breaker: open,
		told: "refused at once; the bank was left alone",
	}),
	pay("a coffee", "coffee", "4.20", step{
		status: 202, breaker: open,
		told: "small enough: accepted without the bank",
	}),
	{
		name: "is the service alive?", method: http.MethodGet, path: "/healthz",
		status: 200, breaker: open,
		told: "yes: an open breaker is no reason to restart",
	},
	pay("the bank is back, at once", "c", "300", step{
		faults: `{}`,
		status: 503, retryAfter: true, breaker: open,
		told: "the breaker asks again when its time is over",
	}),
	pay("after Retry-After, again", "a", "100", step{
		afterRetryAfter: true,
		status:          201, asked: 1, charged: 1, breaker: halfOpen,
		told: "a first probe went through",
	}),
	pay("and the second one", "b", "200", step{
		status: 201, asked: 1, charged: 1, breaker: halfOpen,
		told: "a second probe",
	}),
	pay("and the third one", "c", "300", step{
		status: 201, asked: 1, charged: 1, breaker: closed,
		told: "three probes succeeded: the breaker closed",
	}),
	{
		name: "settle what was accepted", method: http.MethodPost, path: "/settlements",
		status: 200, asked: 1, charged: 1, breaker: closed,
		told: "the coffee is charged, once",
	},
	{
		name: "a refund, answer lost", method: http.MethodPost, path: "/payments/demo-first/refund",
		faults: `{"lost_rate": 1, "requests": 1}`,
		status: 502, asked: 1, refunded: 1, breaker: closed,
		told: "not safe to repeat, so asked once: paid back once",
	},
}

// pay is a step that asks for a payment.
func pay(name, key, amount string, s step) step {
	s.name, s.method, s.path, s.key = name, http.MethodPost, "/payments", "demo-"+key
	s.body = fmt.Sprintf(`{"amount": %s, "currency": "EUR", "method": "credit_card"}`, amount)
	return s
}

// compare says in which respects a row is not as told.
func (s step) compare(r Row) []string {
	var wrong []string
	differ := func(what string, is, want any) {
		if is != want {
			wrong = append(wrong, fmt.Sprintf("%s: %v, want %v", what, is, want))
		}
	}
	differ("HTTP status", r.Status, s.status)
	differ("breaker", r.Breaker, s.breaker)
	differ("requests to the bank", r.Asked, s.asked)
	differ("charges", r.Charged, s.charged)
	differ("refunds", r.Refunded, s.refunded)
	differ("has a Retry-After", r.RetryAfter > 0, s.retryAfter)
	if r.Took < s.takes {
		wrong = append(wrong, fmt.Sprintf("took %v, want at least %v", r.Took, s.takes))
	}
	return wrong
}
