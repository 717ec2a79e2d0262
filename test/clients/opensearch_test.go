package clients

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
)

const goOpenSearch = "github.com/opensearch-project/opensearch-go/v4"

func TestOpenSearch(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	url := elasticAnswers(t, &asked)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	put := func(url string, patient bool, status int) error {
		c, err := opensearchapi.NewClient(opensearchapi.Config{Client: opensearch.Config{
			Addresses: []string{url}, Transport: transport, DisableRetry: !patient,
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_, err = c.Index(t.Context(), opensearchapi.IndexReq{Index: fmt.Sprint(status), DocumentID: "1", Body: strings.NewReader("{}")})
		return err
	}
	for _, tt := range elasticStatuses {
		elasticFamily.meets(t, goOpenSearch, tt.situation, put(url, false, tt.status), tt.want)
	}
	elasticFamily.meets(t, goOpenSearch, "nobody listens", put("http://127.0.0.1:"+freePort(t), false, 404), unmade)
	reset := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer reset.Close()
	elasticFamily.meets(t, goOpenSearch, "the connection breaks while the request runs", put(reset.URL, false, 404), unknown)
}
