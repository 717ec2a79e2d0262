package clients

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"google.golang.org/api/googleapi"
)

const (
	azureBlob   = "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	googleCloud = "google.golang.org/api"
)

var cloudFamily = &family{
	title: "Azure and Google Cloud over HTTP",
	intro: "Told by the status, and Google's limits, which come as 403, by their reason. Azure's clients make three more attempts of their own.",
}

// statuses are what a service says, by the status that is asked for.
var statuses = []struct {
	situation string
	status    int
	want      meaning
}{
	{"not found", 404, answered},
	{"another one was faster", 409, answered},
	{"a condition that does not hold", 412, answered},
	{"not permitted", 403, answered},
	{"a wrong password, or a token that has expired", 401, answered},
	{"a request that is wrong", 400, answered},
	{"throttled", 429, unmade},
	{"the server waited for the request", 408, failed},
	{"its own trouble", 500, failed},
	{"overloaded", 503, failed},
}

// clouds runs a server that answers as the service does, with the status that the
// object's name says.
func clouds(t *testing.T, answer func(w http.ResponseWriter, name string, status int)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		name := r.URL.Path[len(r.URL.Path)-3:]
		if name == "200" {
			<-r.Context().Done()
			return
		}
		var status int
		_, _ = fmt.Sscanf(name, "%d", &status)
		answer(w, name, status)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAzure(t *testing.T) {
	t.Parallel()
	asked := 0
	url := clouds(t, func(w http.ResponseWriter, _ string, status int) {
		asked++
		w.Header().Set("x-ms-error-code", "SomeCode")
		w.WriteHeader(status)
	})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	get := func(ctx context.Context, url string, retries int32, name string) error {
		c, err := azblob.NewClientWithNoCredential(url, &azblob.ClientOptions{ClientOptions: azcore.ClientOptions{
			Transport: &http.Client{Transport: transport}, Retry: policy.RetryOptions{MaxRetries: retries, RetryDelay: time.Millisecond},
		}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.DownloadStream(ctx, "box", name, nil)
		return err
	}
	for _, tt := range statuses {
		cloudFamily.meets(t, azureBlob, tt.situation, get(t.Context(), url, -1, fmt.Sprint(tt.status)), tt.want)
	}
	cloudFamily.meets(t, azureBlob, "nobody listens", get(t.Context(), "http://127.0.0.1:"+freePort(t), -1, "404"), unmade)
	const soon = 300 * time.Millisecond
	var err error
	deadline := took(func() { err = get(within(t, soon), url, -1, "200") })
	cloudFamily.meets(t, azureBlob, "the deadline passes at a server that hangs", err, unknown)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	cancelled := took(func() { _ = get(ctx, url, -1, "200") })
	asked = 0
	_ = get(t.Context(), url, 0, "503")
	cloudFamily.behaves(azureBlob, way{
		deadline: heard(deadline, soon), cancellation: heard(cancelled, soon),
		retries: fmt.Sprintf("a GET was sent %d times", asked), set: "`ClientOptions.Retry.MaxRetries: -1`",
	})
}

func TestGoogle(t *testing.T) {
	t.Parallel()
	reason := map[string]string{"403": "forbidden"}
	url := clouds(t, func(w http.ResponseWriter, name string, status int) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"code":%d,"message":"no","errors":[{"reason":%q,"message":"no"}]}}`, status, reason[name])
	})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	// What each of Google's clients of REST does with a response.
	get := func(url, name string) error {
		res, err := (&http.Client{Transport: transport}).Get(url + "/storage/v1/b/box/o/" + name)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		return googleapi.CheckResponse(res)
	}
	for _, tt := range statuses {
		cloudFamily.meets(t, googleCloud, tt.situation, get(url, fmt.Sprint(tt.status)), tt.want)
	}
	reason["403"] = "rateLimitExceeded"
	cloudFamily.meets(t, googleCloud, "throttled, by 403", get(url, "403"), unmade)
}
