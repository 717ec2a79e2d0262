package verdict

// elasticsearch is Elasticsearch and OpenSearch, by go-elasticsearch, whose esapi gives
// statuses as responses without an error and the typed API as errors, and opensearch-go.
var elasticsearch = client{
	types: map[string]func(error) Meaning{
		elasticError:          ofElastic,
		openSearchError:       ofElastic,
		openSearchStringError: ofElastic,
	},
	texts: map[string]Meaning{
		"elastictransport is closed": refused,
		"the client noticed that the server is not Elasticsearch and we do not support this unknown product": hopeless,
	},
	names: map[string]func(error) bool{
		"opensearch.NotFound":           isStatus(openSearchError, "Status", 404),
		"elasticsearch.NotFound":        isStatus(elasticError, "Status", 404),
		"opensearch.Conflict":           isStatus(openSearchError, "Status", 409),
		"elasticsearch.Conflict":        isStatus(elasticError, "Status", 409),
		"opensearch.TooManyRequests":    isStatus(openSearchError, "Status", 429),
		"elasticsearch.TooManyRequests": isStatus(elasticError, "Status", 429),
	},
}

const (
	elasticError          = "github.com/elastic/go-elasticsearch/typedapi/types.ElasticsearchError"
	openSearchError       = "github.com/opensearch-project/opensearch-go.StructError"
	openSearchStringError = "github.com/opensearch-project/opensearch-go.StringError"
)

func ofElastic(err error) Meaning { return ofHTTPStatus(int(number(err, "Status"))) }
