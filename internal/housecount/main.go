// Command housecount counts the files and exported names of a package, the methods of each type,
// and the fields of each struct. It also finds the largest cycle of files. It exits with 1 if a
// limit is exceeded.
//
//	go run ./internal/housecount [-cycle 12] [-methods 45] [-exported 48] [folder]
//
// A file depends on another file if it uses a name that the other file declares. Files that depend
// on one another, directly or over others, are a cycle. Test files do not count.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	cycle := flag.Int("cycle", 12, "most `files` in a cycle; 0 means no limit")
	methods := flag.Int("methods", 45, "most `methods` of a type; 0 means no limit")
	exported := flag.Int("exported", 48, "most exported `names`, without methods and fields; 0 means no limit")
	flag.Parse()
	folder := "./hostmgr"
	if flag.NArg() > 0 {
		folder = flag.Arg(0)
	}
	c, err := load(folder)
	if err != nil {
		fmt.Fprintln(os.Stderr, "housecount:", err)
		os.Exit(2)
	}
	c.print(os.Stdout)
	if !c.within(os.Stdout, *cycle, *methods, *exported) {
		os.Exit(1)
	}
}

// print writes the counts, largest first.
func (c *counts) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s: %d files, %d exported names\n", c.pkg, len(c.files), c.exported)
	table(w, "methods", c.methods)
	table(w, "fields", c.fields)
	largest := c.largestCycle()
	_, _ = fmt.Fprintf(w, "largest cycle: %d files %v\n", len(largest), largest)
}

// table writes the types with the largest counts. Types with less than five are left out.
func table(w io.Writer, what string, of map[string]int) {
	for _, name := range byCount(of) {
		if of[name] >= 5 {
			_, _ = fmt.Fprintf(w, "%-8s %4d  %s\n", what, of[name], name)
		}
	}
}

// within writes which limits are exceeded, and reports whether none is.
func (c *counts) within(w io.Writer, cycle, methods, exported int) bool {
	ok := true
	if exported > 0 && c.exported > exported {
		_, _ = fmt.Fprintf(w, "%d exported names, more than %d\n", c.exported, exported)
		ok = false
	}
	if n := len(c.largestCycle()); cycle > 0 && n > cycle {
		_, _ = fmt.Fprintf(w, "a cycle has %d files, more than %d\n", n, cycle)
		ok = false
	}
	for _, name := range byCount(c.methods) {
		if n := c.methods[name]; methods > 0 && n > methods {
			_, _ = fmt.Fprintf(w, "%s has %d methods, more than %d\n", name, n, methods)
			ok = false
		}
	}
	return ok
}
