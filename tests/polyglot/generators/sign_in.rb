# A client generated from the bundle signs a user in by one-time code and loads that user with the management key.
require 'json'
require 'net/http'
require 'openapi_client'

LOGIN_ID = 'ruby-generated@example.com'
BASE_URL = URI(ENV.fetch('EMULATOR_BASE_URL'))

# The bearer is the project id, joined by what else the operation asks for.
def client(*parts)
  configuration = OpenapiClient::Configuration.new
  configuration.scheme = BASE_URL.scheme
  configuration.host = "#{BASE_URL.host}:#{BASE_URL.port}"
  configuration.server_index = nil
  configuration.access_token = [ENV.fetch('EMULATOR_PROJECT_ID'), *parts].join(':')
  OpenapiClient::ApiClient.new(configuration)
end

def code_of(address)
  query = URI.encode_www_form(to: address, wait: 5)
  JSON.parse(Net::HTTP.get(URI("#{BASE_URL}/_emulator/inbox?#{query}")))['messages'].first['code']
end

otp = OpenapiClient::OtpApi.new(client)
otp.otp_sign_up_email(OpenapiClient::OtpSignUpEmailRequest.new(login_id: LOGIN_ID))
verify = OpenapiClient::OtpVerifyRequest.new(login_id: LOGIN_ID, code: code_of(LOGIN_ID))
session = otp.otp_verify_email(verify)

users = OpenapiClient::ManagementUserApi.new(client(ENV.fetch('EMULATOR_MANAGEMENT_KEY')))
loaded = users.management_user_load(login_id: LOGIN_ID)
abort 'another user was loaded than the one who signed in' if loaded.user.user_id != session.user.user_id
puts 'ruby: a generated client signs in and loads the user'
