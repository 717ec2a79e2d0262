package browser

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
)

// Somebody who never saw clad tells from the page alone what is down, since when,
// why, and what becomes of it.
func TestAnOutageIsSeenComingAndGoing(t *testing.T) {
	a := startApp(t, "CLAD_PROFILE=production", "CLAD__POLICIES__EXTERNAL_API__CIRCUIT_BREAKER__RECOVERY_TIMEOUT=5s")
	a.customers(t)
	page := open(t, a.console)
	page.says("#verdict", "Everything works")
	page.says("#facts", "profile production")
	page.says("#facts", "read-only")
	page.says(".entry", "payments.Gateway")
	page.until(`document.querySelectorAll(".entry .badge.ok").length >= 2`)
	page.shot("working")
	page.accessible("while all works")

	ask(t, http.MethodPut, a.bank+"/faults", `{"outage": true}`)
	page.says("#verdict", "payments.Gateway is down")
	page.says(".incident", "since ")
	page.says(".incident", "Calls are refused at once")
	page.says(".incident", "What opened it: a failure of payments.Gateway.Charge")
	page.says("#advice", "nothing here wants a restart")
	page.says(".entry .badge.down", "down")
	page.until(`document.title.startsWith("(1 down)")`)
	page.until(`document.querySelectorAll(".incident button:not([hidden])").length === 0`) // read-only
	page.shot("outage")
	page.accessible("in the outage")
	page.do(scheme("dark"))
	page.shot("outage-dark")
	page.accessible("in the outage, dark")
	page.do(phone())
	page.until(`document.documentElement.scrollWidth <= innerWidth`)
	page.shot("outage-phone")
	page.accessible("in the outage, on a phone")
	page.do(scheme("light"), chromedp.EmulateViewport(1280, 1000))

	ask(t, http.MethodPut, a.bank+"/faults", `{}`)
	page.says("#verdict", "Everything works")
	page.click("#tab-events")
	for _, said := range []string{"opened: calls are refused at once", "half-open", "closed: all calls pass"} {
		page.says(".log-entry", said)
	}
	page.shot("events")
	page.accessible("the events")

	page.click("#tab-policies")
	page.says(".policy-tree", "production.yaml:")
	page.says(".policy-tree", "environment variable CLAD__POLICIES__EXTERNAL_API__CIRCUIT_BREAKER__RECOVERY_TIMEOUT")
	page.shot("policies")
	page.accessible("the policies")
	page.click("#tab-services")
	page.click(".entry .row-name")
	page.says(".details caption", "Since the application started")
	page.shot("service")
	page.accessible("a service unfolded")
	for _, view := range []string{"operations", "breakers", "limiters"} {
		page.click("#tab-" + view)
		page.until(`!document.getElementById("view-` + view + `").hidden`)
		page.shot(view)
		page.accessible("the " + view)
	}
}
