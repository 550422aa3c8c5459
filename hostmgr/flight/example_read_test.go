package flight_test

import (
	"fmt"
	"strings"

	"github.com/hostlife/hostlife/hostmgr/flight"
)

// A reader of a log skips what is damaged. The last line was cut off when the process was killed.
func ExampleRead() {
	log := strings.NewReader(`begin at=0 version=2 start=0 policy="fixed:2";
joined at=0 id="a" registration=1 interval=1000000000 incarnation=1;
this is not a record
left at=2000000000 id="a" registra`)
	for r, err := range flight.Read(log) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("line %d: %s %q\n", r.Line, r.Kind, r.ID)
	}
	// Output:
	// line 1: begin ""
	// line 2: joined "a"
	// flight: line 3: not a record: it was cut off
	// flight: the last line is truncated
}
