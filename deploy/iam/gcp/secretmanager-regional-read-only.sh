# Reads on projects/my-project/locations/europe-west3/secrets/myapp__*
# Say whom it is for: serviceAccount:…, user:…, group:…, principalSet://…
PROJECT="my-project"
MEMBER="serviceAccount:NAME@PROJECT.iam.gserviceaccount.com"
NUMBER="$(gcloud projects describe "$PROJECT" --format='value(projectNumber)')"

gcloud iam roles create skykeepSecretsReader --project="$PROJECT" --stage=GA \
  --permissions=secretmanager.secrets.get,secretmanager.versions.access,secretmanager.versions.get,secretmanager.versions.list
gcloud projects add-iam-policy-binding "$PROJECT" --member="$MEMBER" \
  --role="projects/$PROJECT/roles/skykeepSecretsReader" \
  --condition="expression=resource.name.startsWith(\"projects/$NUMBER/locations/europe-west3/secrets/myapp__\"),title=skykeep-secrets"

# Google checks these on the project: no condition binds them to names.
# Listing shows names and labels of all secrets, and no values.
gcloud iam roles create skykeepProjectReader --project="$PROJECT" --stage=GA \
  --permissions=secretmanager.secrets.list
gcloud projects add-iam-policy-binding "$PROJECT" --member="$MEMBER" \
  --role="projects/$PROJECT/roles/skykeepProjectReader" \
  --condition="None"
