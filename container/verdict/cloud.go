package verdict

import (
	"reflect"
	"slices"
)

// cloud is Azure's and Google Cloud's clients that speak HTTP, by the response's
// status.
var cloud = client{
	types: map[string]func(error) Meaning{
		azureError:  func(err error) Meaning { return ofHTTPStatus(int(number(err, "StatusCode"))) },
		googleError: ofGoogle,
	},
	names: map[string]func(error) bool{
		"azure.NotFound":               isStatus(azureError, "StatusCode", 404),
		"azure.Conflict":               isStatus(azureError, "StatusCode", 409),
		"azure.PreconditionFailed":     isStatus(azureError, "StatusCode", 412),
		"googleapi.NotFound":           isStatus(googleError, "Code", 404),
		"googleapi.Conflict":           isStatus(googleError, "Code", 409),
		"googleapi.PreconditionFailed": isStatus(googleError, "Code", 412),
	},
}

const (
	azureError  = "github.com/Azure/azure-sdk-for-go/sdk/azcore/internal/exported.ResponseError"
	googleError = "google.golang.org/api/googleapi.Error"
)

// googleLimits are reasons of a 403 that means 429.
var googleLimits = []string{"rateLimitExceeded", "userRateLimitExceeded"}

func ofGoogle(err error) Meaning {
	status := int(number(err, "Code"))
	if status == 403 {
		if items := fieldOf(err, "Errors"); items.Kind() == reflect.Slice && items.Len() > 0 {
			if reason := items.Index(0).FieldByName("Reason"); reason.Kind() == reflect.String && slices.Contains(googleLimits, reason.String()) {
				return unmade
			}
		}
	}
	return ofHTTPStatus(status)
}

// isStatus tells errors of a type by the status in a field.
func isStatus(name, field string, status int64) func(error) bool {
	return func(err error) bool { return isType(err, name) && number(err, field) == status }
}
