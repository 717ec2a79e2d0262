package browser

import (
	"net/http"
	"testing"
)

// The bank hangs, and what is done about it is on the page: the bulkhead's room and its
// reserve, what was shed, and what the fallback took.
func TestWhatIsShedAndFallsBackIsSeen(t *testing.T) {
	const policy = "CLAD__POLICIES__EXTERNAL_API__"
	a := startApp(t, "CLAD_PROFILE=production", policy+"BULKHEAD__MAX_CONCURRENT=2", policy+"BULKHEAD__RESERVE=0.5",
		policy+"RETRY__MAX_ATTEMPTS=1", policy+"ATTEMPT_TIMEOUT=1m", policy+"TIMEOUT=2m")
	const small = `{"amount": 20, "currency": "EUR", "method": "bank_transfer"}`
	page := open(t, a.console)
	ask(t, http.MethodPut, a.bank+"/faults", `{"latency": "1h"}`)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		ask(t, http.MethodPost, a.api+"/payments", small)
	}()
	page.do(script(`document.getElementById("tab-limiters").click()`))
	page.says(".bulkheads", "1 of 2 in use")
	page.says(".bulkheads", "50 % for critical calls")
	for range 3 {
		ask(t, http.MethodPost, a.api+"/payments", small)
	}
	page.do(script(`document.getElementById("tab-services").click()`),
		script(`[...document.querySelectorAll(".entry .row-name")].find((e) => e.firstElementChild.textContent === "payments.Gateway").click()`))
	for _, said := range []string{"3 handed to the fallback", "3 shed"} {
		page.says(".details", said)
	}
	page.shot("fire")
	ask(t, http.MethodPut, a.bank+"/faults", `{}`)
	<-answered
}
