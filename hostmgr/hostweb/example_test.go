package hostweb_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/hostweb"
)

// A service serves the page of a registry under a prefix.
func ExampleHandler() {
	type Meta struct{ Addr string }
	hosts, err := hostmgr.New(hostmgr.Config[Meta]{})
	if err != nil {
		panic(err)
	}
	http.Handle("/hosts/", http.StripPrefix("/hosts", &hostweb.Handler[Meta]{
		Registry: hosts,
		Title:    "scheduler",
		Describe: func(m Meta) string { return m.Addr },
	}))

	// A browser opens /hosts/; a script reads the same data as JSON.
	answer := httptest.NewRecorder()
	http.DefaultServeMux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/hosts/api/hosts?state=suspect", nil))
	fmt.Println(answer.Code, answer.Header().Get("Content-Type"))
	// Output: 200 application/json
}
