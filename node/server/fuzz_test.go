package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// The format is canonical: whatever is heard is what appendDatagram writes, byte by byte.
func FuzzDecodeDatagram(f *testing.F) {
	tag := tagOf("cluster")
	good := encoded(tag, exampleMessage)
	f.Add(good, false)
	f.Add(good[messageAt:], true)
	f.Add(paxos.AppendMessage(nil, largestMessage()), true)
	f.Add(encoded(tagOf("other"), exampleMessage), false)
	f.Add([]byte{}, false)
	f.Add([]byte{}, true)
	f.Add(append(bytes.Clone(good[messageAt:]), 0), true)
	f.Add(make([]byte, DatagramMax+1), true)
	f.Fuzz(func(t *testing.T, data []byte, wrap bool) {
		if wrap {
			// Past the checksum, which the fuzzer cannot guess.
			header := append([]byte(datagramMagic), tag[:]...)
			data = checksummed(append(append(header, 0, 0, 0, 0), data...))
		}
		var m paxos.Message
		var err error
		require.Less(t, allocated(func() { m, err = decodeDatagram(data, tag) }), uint64(1<<20))
		if err != nil {
			var reason dropReason
			require.ErrorAs(t, err, &reason)
			return
		}
		require.LessOrEqual(t, len(data), DatagramMax)
		require.Equal(t, data, encoded(tag, m))
	})
}

// allocated returns how many bytes the process allocated while f ran. What is small is counted
// late, with something else, so that bounds must leave room.
func allocated(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	f()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}

// What a body is taken for is what encoding/json takes it for; what this refuses and encoding/json
// does not is one of the things that are refused on purpose. And whatever text a client has, it can
// send it. A body is not canonical: there are spaces, escapes and two orders.
func FuzzDecodeBody(f *testing.F) {
	for _, test := range slices.Concat(tooLargeRequests, malformedBodies) {
		f.Add([]byte(test.body))
	}
	f.Add([]byte(`{"expected":null,"value":"x"}`))
	f.Add([]byte(`{"value":"\u0061\ud83d\ude00\\u\ufffd"}`))
	f.Add([]byte(`{"value":"\\ud800","expected":"\\\ud83d\udE00"}`))
	names := []string{"expected", "value"}
	f.Fuzz(func(t *testing.T, data []byte) {
		var members map[string]text
		var err error
		bytesMax := uint64(1<<20 + 64*len(data))
		require.Less(t, allocated(func() { members, err = decodeMembers(data, names) }), bytesMax)
		var lenient map[string]*string
		lenientErr := json.Unmarshal(data, &lenient)
		if err == nil {
			require.NoError(t, lenientErr)
			require.Equal(t, lenient, plain(members))
			require.Len(t, members, membersIn(data), "none is given twice")
			for name := range members {
				require.Contains(t, names, name)
			}
			if strings.ContainsRune(fmt.Sprint(members), '\ufffd') {
				require.Regexp(t, `(?i)\x{fffd}|\\ufffd`, string(data), "it stands for nothing else")
			}
			again, err := json.Marshal(lenient)
			require.NoError(t, err)
			reread, err := decodeMembers(again, names)
			require.NoError(t, err)
			require.Equal(t, members, reread)
		} else if lenientErr == nil {
			require.True(t, refusedOnPurpose(data, lenient, names), "%s: %v", data, err)
		}
		if utf8.Valid(data) {
			body, err := json.Marshal(map[string]string{"value": string(data)})
			require.NoError(t, err)
			members, err := decodeMembers(body, names)
			require.NoError(t, err)
			require.Equal(t, map[string]text{"value": {given: true, value: string(data)}}, members)
		}
	})
}

// plain returns members as encoding/json shows them.
func plain(members map[string]text) map[string]*string {
	texts := make(map[string]*string)
	for name, member := range members {
		texts[name] = nil
		if !member.null {
			texts[name] = &member.value
		}
	}
	return texts
}

// refusedOnPurpose tells whether a body that encoding/json takes has something in it that is
// refused all the same: null for an object, an unknown name, a name that is given twice, what is
// not UTF-8, and half of a surrogate pair, for which encoding/json puts U+FFFD.
func refusedOnPurpose(data []byte, lenient map[string]*string, names []string) bool {
	if lenient == nil || !utf8.Valid(data) {
		return true
	}
	for name, value := range lenient {
		if !slices.Contains(names, name) || value != nil && strings.ContainsRune(*value, '\ufffd') {
			return true
		}
	}
	return membersIn(data) > len(lenient)
}

// membersIn counts the members of a JSON object of texts, also those of one name.
func membersIn(data []byte) int {
	tokens := 0
	for decoder := json.NewDecoder(bytes.NewReader(data)); ; tokens++ {
		if token, err := decoder.Token(); err != nil || token == json.Delim('}') {
			return (tokens - 1) / 2 // without the brace
		}
	}
}

// Whatever a client sends, it is answered, with a JSON document of one of the kinds that there are.
// This node is lost, so that whatever is right is answered 503.
func FuzzRequest(f *testing.F) {
	for _, test := range slices.Concat(tooLargeRequests, malformedBodies, wrongRequests) {
		f.Add(test.method, test.path, []byte(test.body))
	}
	for _, test := range wrongMethods {
		f.Add(test.method, test.path, []byte{})
	}
	f.Add("PUT", registerPath, []byte(`{"value":"x"}`))
	f.Add("POST", swapPath, []byte(nothingToX))
	f.Add("GET", registerPath+"?consistency=local", []byte{})
	f.Add("GET", "/healthz", []byte{})
	lost := &node{
		logger: slog.New(slog.DiscardHandler), count: newInstruments(), refusal: "lost",
	}
	handler := lost.routes()
	f.Fuzz(func(t *testing.T, method, target string, body []byte) {
		head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: n1\r\nContent-Length: %d\r\n\r\n",
			method, target, len(body))
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + string(body))))
		if err != nil || r.URL.Path == "/metrics" {
			return // the library answers it; and metrics are no JSON
		}
		w := httptest.NewRecorder()
		bytesMax := uint64(1<<20 + 64*min(len(body), bodyMax) + 64*len(head))
		require.Less(t, allocated(func() { handler.ServeHTTP(w, r) }), bytesMax)
		requireDocument(t, r, w)
	})
}

// requireDocument looks at the answer of a node that is lost.
func requireDocument(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var document map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &document), "%s", w.Body)
	switch w.Code {
	case http.StatusOK:
		require.Equal(t, "/v1/status", r.URL.Path)
	case http.StatusServiceUnavailable:
		require.Equal(t, "lost", document["reason"])
		require.Contains(t, []any{"not applied", nil}, document["outcome"])
	case http.StatusMethodNotAllowed:
		require.NotEmpty(t, w.Header().Get("Allow"))
		require.NotEmpty(t, document["error"])
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge:
		require.NotEmpty(t, document["error"])
	default:
		require.Fail(t, "no such answer", "%d %s", w.Code, w.Body)
	}
}
