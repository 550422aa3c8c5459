module github.com/hostlife/hostlife/internal/release

go 1.25.0

require (
	github.com/hostlife/hostlife v0.0.0
	github.com/stretchr/testify v1.12.1
	golang.org/x/mod v0.37.0
)

require go.yaml.in/yaml/v3 v3.0.5

replace github.com/hostlife/hostlife => ../..
