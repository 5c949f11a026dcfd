// A client generated from the bundle signs a user in by one-time code and loads that user with the management key.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"

	descope "example.com/descope"
)

const loginID = "go-generated@example.com"

// bearer carries the project id, joined by what else the operation asks for.
func bearer(parts ...string) context.Context {
	parts = append([]string{os.Getenv("EMULATOR_PROJECT_ID")}, parts...)
	return context.WithValue(context.Background(), descope.ContextAccessToken, strings.Join(parts, ":"))
}

func codeOf(address string) string {
	query := url.Values{"to": {address}, "wait": {"5"}}
	answer, err := http.Get(os.Getenv("EMULATOR_BASE_URL") + "/_emulator/inbox?" + query.Encode())
	must(err)
	defer answer.Body.Close()
	var inbox struct{ Messages []struct{ Code string } }
	must(json.NewDecoder(answer.Body).Decode(&inbox))
	return inbox.Messages[0].Code
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	configuration := descope.NewConfiguration()
	configuration.Servers = descope.ServerConfigurations{{URL: os.Getenv("EMULATOR_BASE_URL")}}
	client := descope.NewAPIClient(configuration)

	signUp := descope.NewOtpSignUpEmailRequest(loginID)
	_, _, err := client.OtpAPI.OtpSignUpEmail(bearer()).OtpSignUpEmailRequest(*signUp).Execute()
	must(err)

	verify := descope.NewOtpVerifyRequest(codeOf(loginID), loginID)
	session, _, err := client.OtpAPI.OtpVerifyEmail(bearer()).OtpVerifyRequest(*verify).Execute()
	must(err)

	key := os.Getenv("EMULATOR_MANAGEMENT_KEY")
	loaded, _, err := client.ManagementUserAPI.ManagementUserLoad(bearer(key)).LoginId(loginID).Execute()
	must(err)
	if loaded.User.GetUserId() == "" || loaded.User.GetUserId() != session.User.GetUserId() {
		log.Fatal("another user was loaded than the one who signed in")
	}
	fmt.Println("go: a generated client signs in and loads the user")
}
