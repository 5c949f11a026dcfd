# What generated types send: each body of patches.json, read and written again, has the members that it had.
require 'json'
require 'openapi_client'

def same(typed, body, schema)
  sent = JSON.parse(JSON.generate(typed.to_hash))
  abort "#{schema} sends #{sent} instead of #{body}" unless sent == body
end

patches = JSON.parse(File.read(ARGV.fetch(0)))
patches.each do |patch|
  type = OpenapiClient.const_get(patch['schema'])
  same(type.build_from_hash(JSON.parse(JSON.generate(patch['body']), symbolize_names: true)), patch['body'], patch['schema'])
end
patch = OpenapiClient::ThirdPartyApplicationPatchRequest.new(id: 'TPA1', name: 'New name')
same(patch, patches[0]['body'], 'ThirdPartyApplicationPatchRequest')
puts "ruby: #{patches.size} bodies hold what was set, and no more"
