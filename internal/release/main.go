// Command release makes the commit and the tags of a release. It pushes nothing.
//
//	go run ./internal/release -version v0.1.0 [-date 2026-12-31] [-n]
//
// A nested module requires the other modules of the repository at v0.0.0, or at the version of the
// last release, and replaces them with their folders. An embedder's build ignores the replacement,
// so the released go.mod has to name versions that exist. All modules get the same version.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hostlife/hostlife/internal/release/repo"
)

func main() {
	var r release
	flag.StringVar(&r.version, "version", "", "the `version` to release, such as v0.1.0")
	flag.StringVar(&r.date, "date", time.Now().UTC().Format(time.DateOnly), "the `date` in the changelog")
	dry := flag.Bool("n", false, "only print the tags")
	flag.Usage = usage
	flag.Parse()
	if flag.NArg() > 0 || r.version == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(&r, *dry); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func usage() {
	_, _ = fmt.Fprint(flag.CommandLine.Output(), `Makes the commit and the tags of a release, and pushes nothing:

	go run ./internal/release -version v0.1.0

It writes the version into each nested go.mod and the date into CHANGELOG.md, checks that go mod tidy
changes nothing, commits, and tags each module. The work tree must be clean. If a step fails, the
repository is as before.

`)
	flag.PrintDefaults()
}

func run(r *release, dry bool) (err error) {
	if r.repo, err = repo.Open("."); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	if !dry {
		if err := r.do(); err != nil {
			return err
		}
	}
	fmt.Println(strings.Join(r.tags(), "\n"))
	fmt.Println("\nPublish the commit and all tags together:\n\tgit push --atomic origin HEAD:main " + strings.Join(r.tags(), " "))
	return nil
}
