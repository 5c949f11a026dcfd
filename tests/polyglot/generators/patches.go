// What generated types send: each body of patches.json, read and written again, has the members that it had.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"reflect"

	descope "example.com/descope"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func same(schema string, typed any, body any) {
	text, err := json.Marshal(typed)
	must(err)
	var sent any
	must(json.Unmarshal(text, &sent))
	if !reflect.DeepEqual(sent, body) {
		log.Fatalf("%s sends %s instead of %v", schema, text, body)
	}
}

func main() {
	types := map[string]func() any{
		"TenantPatchRequest":                  func() any { return &descope.TenantPatchRequest{} },
		"ThirdPartyApplicationPatchRequest":   func() any { return &descope.ThirdPartyApplicationPatchRequest{} },
		"ThirdPartyApplicationV2PatchRequest": func() any { return &descope.ThirdPartyApplicationV2PatchRequest{} },
		"UserPatchRequest":                    func() any { return &descope.UserPatchRequest{} },
		"UserSearchRequest":                   func() any { return &descope.UserSearchRequest{} },
	}
	text, err := os.ReadFile(os.Args[1])
	must(err)
	var patches []struct {
		Schema string
		Body   any
	}
	must(json.Unmarshal(text, &patches))
	for _, patch := range patches {
		create, known := types[patch.Schema]
		if !known {
			log.Fatalf("%s is not known here", patch.Schema)
		}
		typed := create()
		body, err := json.Marshal(patch.Body)
		must(err)
		must(json.Unmarshal(body, typed))
		same(patch.Schema, typed, patch.Body)
	}
	patch := descope.NewThirdPartyApplicationPatchRequest("TPA1")
	patch.SetName("New name")
	same("ThirdPartyApplicationPatchRequest", patch, patches[0].Body)
	fmt.Printf("go: %d bodies hold what was set, and no more\n", len(patches))
}
